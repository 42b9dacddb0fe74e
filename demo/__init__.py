"""Demo: loads the sandbox's APIs with Meltano, and shows the result."""
