"""Ordinary behavior: populations, sessions and the behaviors they run."""
