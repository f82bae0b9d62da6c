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
from typing import Any

import asyncpg
import pytest

from desk.db import migrate
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

    async def fresh(self, like: str = "template1") -> str:
        """URL of a new database, empty or like another one."""
        name = f"test{next(self.databases)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)

    async def drop(self, url: str) -> None:
        await self._execute(f"DROP DATABASE {name_of(url)} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"), timeout=SECONDS)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def control(self, *words: str) -> None:
        _run_as(self.user, "pg_ctl", "-D", str(self.folder / "data"), "-w", *words)

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=60"
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.control("-m", "immediate", "stop")


def name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An SQLite database with all tables: copying it is faster than making each anew."""
    file = tmp_path_factory.mktemp("template") / "desk.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file.read_bytes()


@pytest.fixture(scope="session")
def migrated_database(postgres: Cluster) -> str:
    """Name of a PostgreSQL database with all tables."""
    url = asyncio.run(postgres.fresh())
    migrate.upgrade(url)
    return name_of(url)


@pytest.fixture(params=DATABASES)
async def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'desk.db'}"
        return
    cluster: Cluster = await _fixture(request, "postgres")
    url = await cluster.fresh()
    yield url
    await cluster.drop(url)


@pytest.fixture(params=DATABASES)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """URL of a database of each kind that has its tables."""
    if request.param == "sqlite":
        file = tmp_path / "desk.db"
        file.write_bytes(await _fixture(request, "migrated_file"))
        yield f"sqlite:///{file}"
        return
    cluster: Cluster = await _fixture(request, "postgres")
    url = await cluster.fresh(await _fixture(request, "migrated_database"))
    yield url
    await cluster.drop(url)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open database of each kind."""
    async with await Database.open(database_url, wait_seconds=10) as database:
        yield database


async def _fixture(request: pytest.FixtureRequest, name: str) -> Any:
    return await asyncio.to_thread(request.getfixturevalue, name)
