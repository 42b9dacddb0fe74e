"""Trial of the project: loads local APIs into a temporary PostgreSQL, and kills processes on the way."""
