"""The tools that the tap is compared with; each runs in an environment of its own."""
