"""Where detectors, scorers and reports meet: detect, score, diff and ci, on datasets made by the pipeline."""
