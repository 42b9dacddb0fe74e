"""Local server with three APIs and made-up rows, for the demo, the tests and the benchmarks."""

from sandbox.apis import Options
from sandbox.exchange import RecordedRequest
from sandbox.limit import Limit
from sandbox.server import Sandbox

__all__ = ["Limit", "Options", "RecordedRequest", "Sandbox"]
