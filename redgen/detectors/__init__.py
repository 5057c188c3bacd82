"""Detectors, one file per plug-in: the embedded engine, programs, functions, and files of alerts."""
