"""Contract suites for plug-ins."""
