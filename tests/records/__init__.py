"""Records: conforming, timestamps, replication and mapping."""
