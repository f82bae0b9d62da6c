"""Before callers find out: telephones, live capacity, spool, notes, room for recordings."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ari_app.calls.journal.spool import Spool
from ari_app.doctor import Finding, line, machine
from ari_app.doctor.live import live, told
from ari_app.doctor.phones import phones, reachable
from ari_app.doctor.records import notes, spool
from asterisk_conf.install import Installation
from asterisk_conf.settings import AgentSettings, PbxSettings
from desk import recordings
from desk.db.engine import Database
from tests.ari_app.doctor.conftest import NOW, Place
from tests.rig.asterisk import BootAsterisk
from tests.rig.samples import begin


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def agents(*extensions: str) -> list[AgentSettings]:
    return [AgentSettings(extension=one, name="张敏", team="t") for one in extensions]


@pytest.mark.parametrize(
    ("states", "level", "named"),
    [
        ({"8001": "Not in use", "8002": "In use"}, "ok", "2"),
        ({"8001": "Unavailable", "8002": "Not in use"}, "warn", "8001"),
        ({"8001": "Unavailable", "8002": "Unavailable"}, "fail", "8001, 8002"),
    ],
)
def test_agents_whose_phones_are_not_registered_are_named(
    states: dict[str, str], level: str, named: str
) -> None:
    rows = [{"ObjectName": name, "DeviceState": state} for name, state in states.items()]
    (finding,) = reachable(agents("8001", "8002"), rows)
    assert finding.level == level
    assert named in finding.what
    assert bool(finding.mend) is (level != "ok")


@pytest.mark.asterisk
async def test_asterisk_tells_which_phones_are_registered(
    installation: Installation, fresh_asterisk: BootAsterisk
) -> None:
    two = [one.model_dump() for one in agents("8001", "8002")]
    two[0]["contact"] = "sip:8001@127.0.0.1:15071"
    server = fresh_asterisk(agents=two)
    (finding,) = await phones(server.pbx, server.secrets)
    assert finding.level == "warn"
    assert "8002" in finding.what
    assert "8001" not in finding.what
    await server.stop()
    assert await phones(server.pbx, server.secrets) == []


async def test_how_many_parties_can_be_heard_is_measured_without_a_line(place: Place) -> None:
    (finding,) = await live(place.settings, line_runs=False)
    assert finding.level in ("ok", "warn")
    assert "parties can be heard at once" in finding.what
    place.change(lambda data: data["speech"]["live"].update(most_streams=1))
    (finding,) = await live(place.settings, line_runs=False)
    assert (finding.level, "可同时听 1 人" in finding.what) == ("warn", True)
    place.change(lambda data: data["speech"]["live"].update(enabled=False))
    assert levels(await live(place.settings, line_runs=False)) == ["ok"]


async def test_a_running_line_tells_what_it_has_measured(place: Place) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            text="# HELP huisheng_live_capacity_threads x\nhuisheng_live_capacity_threads 1.94\n"
            "huisheng_live_cost_threads 0.097\nhuisheng_live_streams_refused_total 3.0\n"
            "huisheng_live_stuck_threads 1.0\n"
        )

    async with _served("/metrics", metrics) as port:
        place.change(lambda data: data["api"].update(port=port))
        found = await live(place.settings, line_runs=True)
    assert levels(found) == ["warn", "ok", "ok"]
    assert "1 个识别线程卡住" in found[0].what
    assert "可同时听 20 人" in found[1].what
    assert "3" in found[2].what
    assert await live(place.settings, line_runs=True) == [], "nobody answers: told by `line`"


def test_a_machine_too_small_for_all_agents_is_told(place: Place) -> None:
    figures = {"capacity_threads": 1.94, "cost_threads": 0.5}
    (finding,) = told(place.settings, figures)
    assert finding.level == "warn"
    assert "6" in finding.what, "three agents and their callers"


async def test_trouble_that_callers_do_not_notice_is_a_warning(place: Place) -> None:
    async def ready(_: web.Request) -> web.Response:
        trouble = {"ok": False, "detail": "so it is", "mend": "do this"}
        return web.json_response(
            {
                "ready": False,
                "findings": [
                    {"name": "asterisk", "needed": True, **trouble},
                    {"name": "bridge", "needed": False, **trouble},
                ],
            }
        )

    async with _served("/readyz", ready) as port:
        place.change(lambda data: data["api"].update(port=port))
        found = await line.line(place.settings, line.Running(line=True, asterisk=True))
    assert levels(found) == ["fail", "warn"]
    assert {finding.mend for finding in found} == {"do this"}


async def test_records_that_wait_for_a_line_are_counted_and_left_alone(tmp_path: Path) -> None:
    assert levels(list(spool(tmp_path, line_runs=False))) == ["ok"]
    path = tmp_path / "spool" / "journal"
    one = await Spool.open(path)
    assert levels(list(spool(tmp_path, line_runs=False))) == ["ok"]
    for record in (b"first", b"second"):
        assert one.append(record)
    await one.sync()
    await one.aclose()
    before = path.read_bytes()
    (finding,) = spool(tmp_path, line_runs=False)
    assert finding.level == "warn"
    assert "2 条通话记录" in finding.what
    assert path.read_bytes() == before
    assert levels(list(spool(tmp_path, line_runs=True))) == ["ok"], "its own business"


def test_a_spool_that_is_none_is_found(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "journal"
    path.parent.mkdir()
    path.write_bytes(b"")
    assert levels(list(spool(tmp_path, line_runs=False))) == ["warn"]
    path.unlink()
    path.mkdir()
    assert levels(list(spool(tmp_path, line_runs=False))) == ["fail"]


def test_notes_of_a_pbx_of_ones_own_must_be_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = PbxSettings()
    assert list(notes(own)) == []
    pbx = own.model_copy(update={"mode": "existing", "spool_dir": tmp_path})
    (finding,) = notes(pbx)
    assert (finding.level, str(tmp_path) in finding.what) == ("fail", True)
    (tmp_path / "huisheng" / "messages").mkdir(parents=True)
    assert levels(list(notes(pbx))) == ["warn"], "nobody has called yet"
    (tmp_path / "huisheng" / "calls.csv").touch()
    assert levels(list(notes(pbx))) == ["ok"]
    monkeypatch.setattr(os, "access", lambda path, _: "messages" not in str(path))
    (finding,) = notes(pbx)
    assert (finding.level, "docs/existing-pbx.md" in finding.mend) == ("fail", True)
    assert levels(list(notes(pbx.model_copy(update={"spool_dir": None})))) == ["warn"]


@pytest.mark.parametrize(("free", "level"), [(2, "warn"), (30, "ok")])
async def test_room_is_told_in_days_of_recordings(
    place: Place, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    daily = 4 << 30
    usage = type("Usage", (), {"free": free * daily})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    (finding,) = machine.days(place.config.parent, daily)
    assert finding.level == level
    assert f"room for {free} days" in finding.what
    assert list(machine.days(place.config.parent, 0)) == [], "before there are any"


async def _nothing(*_: Any) -> list[Finding]:
    return []


async def test_a_days_recordings_are_reckoned_from_the_last_week(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "asterisk", _nothing)
    async with await Database.open(place.settings.database_url) as db:
        await db.write(begin, "c1")
        for number in range(4):
            new = recordings.NewRecording(
                call_id="c1", name=f"r{number}", path="/x", seconds=1, sha256="0", bytes=10**9
            )
            await db.write(recordings.add, new, NOW - timedelta(days=4 - number))
    shown = [f.what for f in (await place.examined())["disk"] if "天录音" in f.what]
    assert shown
    assert shown[0].startswith("每天录音约 1.00 GB")


@asynccontextmanager
async def _served(path: str, handler: Any) -> AsyncIterator[int]:
    """A line's API with one answer: its port."""
    app = web.Application()
    app.router.add_get(path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
