"""Alerts against truth: matching, metrics with intervals, chance, regression and gates."""
