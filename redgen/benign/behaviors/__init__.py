"""Behaviors of ordinary populations; one file per behavior."""
