"""YAML files to validated models that remember where each value stood."""
