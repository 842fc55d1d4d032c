"""A PostgreSQL server of the tests' own: made, started and stopped by them, reached through a socket in a private
folder.

PostgreSQL's `initdb` and `pg_ctl` refuse root, so as root they run as the `postgres` user that Debian's package brings.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts import installed


def binaries() -> Path:
    """The newest installed PostgreSQL's programs."""

    def find() -> Path | None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        on_path = shutil.which("initdb")
        return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None

    return installed(find, package="postgresql")


@dataclass
class PostgresServer:
    """`durable=False` turns fsync off, for tests only; proofs and benchmarks of durability start with
    `durable=True`."""

    durable: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    folder: Path = field(init=False)
    bin: Path = field(init=False)

    def __post_init__(self) -> None:
        self.bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="otai-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "otai",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        """A database URL for `OTAI_DATABASE_URL`; the host is the socket's folder."""
        return f"postgres://otai@{str(self.folder).replace('/', '%2F')}/{database}"

    def _as_server_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [*self._as_server_user(), str(self.bin / program), *arguments],
            check=check,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    def start(self) -> PostgresServer:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "100",
            "fsync": "on" if self.durable else "off",
            "synchronous_commit": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            **self.settings,
        }
        words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._run(
            "pg_ctl",
            "-D",
            str(self.data),
            "-l",
            str(self.folder / "log"),
            "-w",
            "-t",
            "60",
            "-o",
            words,
            "start",
        )
        return self

    def kill(self) -> None:
        """SIGKILL to the server and all its processes, as a power cut would end them."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        for process in [pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop", check=False)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, name: str) -> str:
        return create_database(self.url().rpartition("/")[0], name)


def create_database(server: str, name: str, *, template: str = "template1") -> str:
    """Makes the database `name` on the server that `postgres://…` names; returns its URL. Empty, or as `template`."""
    # Whoever tests on SQLite alone needs none.
    import psycopg
    from psycopg import sql

    with psycopg.connect(f"{server.replace('postgres://', 'postgresql://', 1)}/postgres", autocommit=True) as line:
        line.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    return f"{server}/{name}"
