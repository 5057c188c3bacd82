"""Attack graphs: parsing, walking, casting, staging."""
