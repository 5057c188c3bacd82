"""Log file formats, one file per plug-in: each turns files into columns in DuckDB, as a SIEM would index them."""
