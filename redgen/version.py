"""The version of redgen, said once."""

VERSION = "0.1.0"
