"""The performance contract, measured: ``python -m tests.benchmarks``."""
