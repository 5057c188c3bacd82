"""Alert formats, one file per plug-in: each turns what a product exports into alerts in normal form."""
