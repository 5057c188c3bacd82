"""The organisation and the fictional internet around it."""
