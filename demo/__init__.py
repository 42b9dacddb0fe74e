"""The demo: the sandbox's APIs loaded by Meltano, and what landed."""
