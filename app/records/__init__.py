"""Lists of records in CSV and JSON files: read with the line each stands on, written for people."""
