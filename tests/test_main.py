"""Start-up of the command: what it imports, and what the interpreter does meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

#: Modules that the tap needs besides those of the SDK's own `Tap` and `RESTStream`.
NEEDED = {"difflib", "msgspec", "tap_feedback"}


def started(code: str) -> Any:
    """Run code that prints JSON in a fresh interpreter, and return the value."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def test_imports_beyond_the_sdk() -> None:
    """The tap starts about as fast as a plain SDK tap: it imports few other modules, and not the probe."""
    code = """
import json, sys
from singer_sdk import RESTStream, Tap
sdk = set(sys.modules)
import tap_feedback.tap
print(json.dumps(sorted(set(sys.modules) - sdk)))
"""
    imported = started(code)
    assert {name.partition(".")[0] for name in imported} == NEEDED
    assert not [name for name in imported if name.startswith("tap_feedback.probe")]


def test_no_collections_during_the_imports() -> None:
    """No garbage collection searches what the imports make; afterwards there are collections again."""
    code = """
import atexit, gc, json, sys
from tap_feedback.__main__ import main
collections = []
def note(phase, info):
    if "singer_sdk" in sys.modules:
        collections.append(phase)
gc.callbacks.append(note)
sys.argv = ["tap-feedback", "--version"]
atexit.register(lambda: print(json.dumps([collections, gc.isenabled(), gc.get_freeze_count() > 10_000])))
main()
"""
    assert started(code) == [[], True, True]
