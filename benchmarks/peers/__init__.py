"""Tools to compare the tap with. Each runs in its own environment."""
