"""Alerts against truth: references resolved, entities and windows met, campaigns found or missed."""
