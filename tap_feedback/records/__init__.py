"""Records: rows that are made to fit their schema, filtered by time range, and mapped."""
