"""Intervals, survival, resampling and tests: what few campaigns can say, each with its formula's source."""
