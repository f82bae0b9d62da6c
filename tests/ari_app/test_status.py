"""What operators see: of a line that serves, of one that cannot, and of trouble behind callers."""

import asyncio
import os
import re
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from ari_app import status
from ari_app.ari import ApplicationReplaced, DeadlineExceeded
from ari_app.process import Running, running_line
from ari_app.sip_caller import CallPlan, ExpectBye, Wait, place_call
from ari_app.status import Status
from asterisk_conf.install import Installation
from crm_bridge.worker import State
from desk.api import Finding
from desk.db.sqlite import sqlite_path
from tests.rig.own_line import OwnLine

SECONDS = 30.0
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


class Ari:
    """Asterisk as the status asks for it."""

    is_connected = True

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def call(self, _name: str, **_: Any) -> None:
        if self._error is not None:
            raise self._error


def line(**changes: Any) -> Status:
    """A status of a line that is well but for `changes`: values by dotted name."""
    settled = asyncio.Event()
    settled.set()
    line = SimpleNamespace(
        ari=Ari(),
        settings=SimpleNamespace(state_dir=Path("/")),
        journal=SimpleNamespace(spooling=False, waiting=0),
        hearing=SimpleNamespace(live=SimpleNamespace(stuck=0, streams=2)),
    )
    board = SimpleNamespace(stops=False, resumed=settled, live=3)
    bridge = SimpleNamespace(status=lambda: changes.get("targets", []))
    all_of_it = SimpleNamespace(line=line, board=board)
    for name, value in changes.items():
        *path, last = name.split("__")
        at: Any = all_of_it
        for step in path:
            at = getattr(at, step)
        setattr(at, last, value)
    asterisk = changes.get("asterisk")
    return Status(line, board, bridge, asterisk)  # type: ignore[arg-type]


def target(state: State) -> Any:
    return SimpleNamespace(name="crm", state=state, error="HTTP 500")


CALLERS_NOTICE: dict[str, tuple[dict[str, Any], str]] = {
    "Asterisk has died": ({"asterisk": SimpleNamespace(running=lambda: False)}, "asterisk"),
    "Asterisk is frozen": ({"line__ari": Ari(DeadlineExceeded("no answer"))}, "asterisk"),
    "another process has the line": ({"line__ari": Ari(ApplicationReplaced("x"))}, "asterisk"),
    "no websocket": ({"line__ari__is_connected": False}, "ari"),
    "it stops": ({"board__stops": True}, "line"),
    "it takes calls over": ({"board__resumed": asyncio.Event()}, "line"),
}
NOBODY_NOTICES: dict[str, tuple[dict[str, Any], str]] = {
    "the desk is away": (
        {"line__journal": SimpleNamespace(spooling=True, waiting=7)},
        "journal",
    ),
    "recognisers are stuck": ({"line__hearing__live__stuck": 1}, "speech"),
    "a target is down": ({"targets": [target(State.ON_HOLD)]}, "bridge"),
}


def troubles(found: list[Finding]) -> list[Finding]:
    return [one for one in found if not one.ok]


async def test_line_that_is_well_has_no_trouble() -> None:
    found = list(await line(targets=[target(State.WORKING), target(State.DISABLED)]).findings())
    assert troubles(found) == []
    assert [one.mend for one in found if one.mend] == []


@pytest.mark.parametrize("what", CALLERS_NOTICE)
async def test_line_that_cannot_serve_callers_is_not_ready(what: str) -> None:
    changes, name = CALLERS_NOTICE[what]
    (trouble,) = troubles(list(await line(**changes).findings()))
    assert (trouble.name, trouble.needed) == (name, True)
    assert trouble.mend


@pytest.mark.parametrize("what", NOBODY_NOTICES)
async def test_trouble_behind_callers_is_told_of_a_line_that_is_ready(what: str) -> None:
    changes, name = NOBODY_NOTICES[what]
    (trouble,) = troubles(list(await line(**changes).findings()))
    assert (trouble.name, trouble.needed) == (name, False)
    assert trouble.mend


async def test_disk_that_is_nearly_full_is_told_while_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = SimpleNamespace(free=status.DISK_LEAST_BYTES - 1)
    monkeypatch.setattr(status.shutil, "disk_usage", lambda _: usage)
    (trouble,) = troubles(list(await line().findings()))
    assert (trouble.name, trouble.needed) == ("disk", False)


@pytest.mark.asterisk
@pytest.mark.slow
async def test_readiness_and_metrics_follow_what_becomes_of_a_real_line(
    tmp_path: Path, installation: Installation
) -> None:
    place = OwnLine.in_folder(tmp_path)
    async with serving(place) as (running, client):

        async def trouble(name: str) -> dict[str, Any] | None:
            answer = (await client.get("/readyz")).json()
            return next(
                (one for one in answer["findings"] if one["name"] == name and not one["ok"]), None
            )

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await becomes(is_ready)
        text = (await client.get("/metrics")).text
        for figure in (
            "huisheng_queue_waiting 0.0",
            "huisheng_queue_longest_wait_seconds 0.0",
            'huisheng_agents{state="ready"} 3.0',
            'huisheng_calls_in_stage{stage="menu"} 0.0',
            "huisheng_talks 0.0",
            "huisheng_live_streams 0.0",
            "huisheng_live_streams_refused_total 0.0",
            "huisheng_journal_waiting 0.0",
            "huisheng_ari_connected 1.0",
        ):
            assert figure in text, figure
        everything = text + generate_latest(REGISTRY).decode()
        named = set(re.findall(r"huisheng_[a-z_]+", OPERATIONS.read_text(encoding="utf-8")))
        assert {name for name in named if f"# HELP {name}" not in everything} == set()
        with locked(sqlite_path(place.settings.database_url)):
            plan = CallPlan("02253456789", "4001234567", (Wait(1), ExpectBye(2)))
            call = asyncio.create_task(place_call(plan, f"127.0.0.1:{place.settings.pbx.sip.port}"))
            await becomes(lambda: trouble("journal"))
            assert await is_ready(), "callers are served all the same"
            figures = (await client.get("/metrics")).text
            assert "huisheng_journal_spooling 1.0" in figures
            assert "huisheng_journal_waiting 0.0" not in figures
            assert (await call).status == 200
        await becomes(lambda: absent(trouble("journal")))
        assert running.asterisk is not None
        pid = running.asterisk.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await becomes(lambda: trouble("asterisk"))
        finally:
            os.kill(pid, signal.SIGKILL)
        await becomes(lambda: trouble("ari"))
        assert not await is_ready()
        await becomes(is_ready)
        assert running.asterisk.pid != pid, "it was started again"


@asynccontextmanager
async def serving(place: OwnLine) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    async with (
        running_line(place.settings, own_lifetime=True, registry=CollectorRegistry()) as running,
        httpx.AsyncClient(base_url=running.url, timeout=5, trust_env=False) as client,
    ):
        yield running, client


async def absent(looking: Any) -> bool:
    return await looking is None


async def becomes(true: Callable[[], Any]) -> None:
    last = time.monotonic() + SECONDS
    while not await true():
        assert time.monotonic() < last, "it does not come about"
        await asyncio.sleep(0.05)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody holds the database's write lock."""
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()
