"""The embedded Sigma engine: rules and correlations compiled to SQL, run by DuckDB over parsed logs."""
