"""Log sources; one file per source."""
