"""Making a dataset: workers and their journal, files that grow, truth and manifest, and the final name."""
