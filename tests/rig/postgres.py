"""A private PostgreSQL cluster for the tests, and the `db` fixture that runs on both databases."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from desk.db.engine import Database

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
SECONDS = 60.0


@dataclass
class Cluster:
    """A running server that only listens on a socket in its own folder."""

    folder: Path
    user: str
    databases: "count[int]"

    def url(self, name: str) -> str:
        return f"postgresql://{self.user}@/{name}?host={self.folder}"

    async def fresh(self) -> str:
        """URL of a new, empty database."""
        name = f"test{next(self.databases)}"
        connection = await asyncpg.connect(self.url("postgres"), timeout=SECONDS)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return self.url(name)

    async def drop(self, url: str) -> None:
        name = url.partition("@/")[2].partition("?")[0]
        connection = await asyncpg.connect(self.url("postgres"), timeout=SECONDS)
        try:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await connection.close()

    def control(self, *words: str) -> None:
        _run_as(self.user, "pg_ctl", "-D", str(self.folder / "data"), "-w", *words)

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=60"
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.control("-m", "immediate", "stop")


def _run_as(user: str, program: str, *words: str) -> None:
    command = [str(BINARIES[0] / program), *words]
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=SECONDS,
        cwd="/",
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The cluster, made once a session; without PostgreSQL's server programs the test skips."""
    if not BINARIES:
        pytest.skip("no PostgreSQL server; apt-get install postgresql makes this test run")
    user = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        user = "postgres"
    folder = Path(tempfile.mkdtemp(prefix="huisheng-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user, user)
        _run_as(
            user,
            "initdb",
            "-D",
            str(folder / "data"),
            "-U",
            user,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        cluster = Cluster(folder, user, count(1))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=DATABASES)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'desk.db'}"
        return
    cluster: Cluster = await asyncio.to_thread(request.getfixturevalue, "postgres")
    url = await cluster.fresh()
    yield url
    await cluster.drop(url)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open database of each kind."""
    async with await Database.open(database_url, wait_seconds=10) as database:
        yield database
