"""Raw files into DuckDB, dbt, and the warehouse as a reader finds it."""
