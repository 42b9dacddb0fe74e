"""The tools that the tap is compared with; each runs in its own environment."""
