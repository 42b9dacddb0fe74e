"""A local server that plays the three APIs, with made-up rows and scripted faults: for demo, tests and benchmarks."""

from sandbox.faults import Fault
from sandbox.server import Sandbox, Seen

__all__ = ["Fault", "Sandbox", "Seen"]
