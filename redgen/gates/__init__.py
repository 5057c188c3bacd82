"""What a scorecard must reach: gates, their file, and the comparison with an older run."""
