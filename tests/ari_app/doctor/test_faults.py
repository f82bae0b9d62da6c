"""Does doctor find each thing that can be wrong around a line, and say the mend?"""

import asyncio
import os
import socket
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ari_app.cli.doctor import MARKS
from ari_app.doctor import TITLES, Finding, Level, examination, examine, line, machine
from ari_app.doctor.deadline import aside
from ari_app.ownership import sole_owner
from desk import outbox, timeline
from desk.db.engine import Database
from desk.region import RegionTable
from tests.ari_app.doctor.conftest import NOW, Place


@pytest.fixture(autouse=True)
def _no_asterisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk is another file's subject; without one these tests take no time."""

    async def nothing(*_: Any) -> list[Finding]:
        return []

    monkeypatch.setattr(line, "asterisk", nothing)


def levels(findings: list[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


def only(findings: list[Finding], level: Level) -> Finding:
    """The one finding of that level; it says the mend, in both languages."""
    (found,) = [finding for finding in findings if finding.level == level]
    assert found.mend
    return found


async def desk(place: Place, *work: Any) -> None:
    async with await Database.open(place.settings.database_url) as db:
        for one in work:
            await db.write(one)


def entry(at: datetime, call: str = "call-1") -> Any:
    return lambda db: timeline.append(db, kind="call.noted", body={}, now=at, call_id=call)


async def test_a_fresh_line_has_no_failure_and_nothing_is_made(place: Place):
    found = await place.examined()
    failures = [f for findings in found.values() for f in findings if f.level == "fail"]
    assert failures == []
    later = {"timeline", "levels", "rules", "notices"}  # there is no desk yet
    assert set(found) == set(TITLES) - {"asterisk", "ari", "ami", "phones", "notes"} - later
    assert not place.state.exists()


async def test_every_finding_but_ok_says_the_mend(place: Place):
    for findings in (await place.examined()).values():
        for finding in findings:
            assert finding.level in MARKS
            assert bool(finding.mend) is (finding.level != "ok"), finding


async def test_a_broken_config_is_the_first_finding_with_its_line(place: Place):
    place.config.write_text(place.config.read_text().replace("most_calls: 500", "most_calls: x"))
    first, *others = await examine(place.config, lambda: NOW)
    assert (first.check, first.level) == ("config", "fail")
    assert f"{place.config}:" in first.what
    assert {finding.check for finding in others} == {"python", "root"}


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"ivr: [", b"", b"[]"])
async def test_a_config_that_is_none_is_a_finding_and_no_traceback(
    place: Place, content: bytes | None
):
    place.config.unlink() if content is None else place.config.write_bytes(content)
    first, *_ = await examine(place.config, lambda: NOW)
    assert (first.check, first.level) == ("config", "fail")


async def test_a_state_folder_that_cannot_be_written_is_found(place: Place):
    place.state.write_text("a file, not a folder")
    found = await place.examined()
    assert str(place.state) in only(found["state"], "fail").what


async def test_a_state_folder_that_hangs_is_found_in_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(examination, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(machine, "state", lambda _folder: (time.sleep(5) for _ in "1"))
    began = time.monotonic()
    found = await place.examined()
    assert time.monotonic() - began < 4
    assert "overloaded" in only(found["state"], "fail").mend


async def test_a_look_that_fails_late_tells_nobody():
    with pytest.raises(TimeoutError):
        await aside(lambda: time.sleep(0.2), 0.01)
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0, 5)


@pytest.mark.parametrize(
    ("free", "inodes", "level"),
    [(50 << 20, 10**6, "fail"), (500 << 20, 10**6, "warn"), (9 << 30, 10**6, "ok"),
     (9 << 30, 3, "fail")],
)  # fmt: skip
def test_a_disk_that_fills_up_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, inodes: int, level: Level
):
    usage = type("Usage", (), {"free": free})
    counts = type("Counts", (), {"f_files": 10**7, "f_favail": inodes})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(machine.os, "statvfs", lambda _: counts)
    assert machine.room(tmp_path).level == level


def test_a_library_that_does_not_load_is_found():
    (finding,) = machine.python(["orjson", "no_such_library"])
    assert finding.level == "fail"
    assert "no_such_library" in finding.what
    assert "scripts/setup" in finding.mend


def test_running_as_root_is_warned_of(monkeypatch: pytest.MonkeyPatch):
    for user, level in ((0, "warn"), (1000, "ok")):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert levels(list(machine.rights())) == [level]


def test_too_few_open_files_for_the_calls_are_warned_of():
    hard = machine.resource.getrlimit(machine.resource.RLIMIT_NOFILE)[1]
    if hard == machine.resource.RLIM_INFINITY:
        pytest.skip("no limit on open files here")
    assert levels(list(machine.open_files(hard))) == ["warn"]
    assert levels(list(machine.open_files(1))) == ["ok"]


@pytest.mark.parametrize(
    ("now", "newest", "synchronised", "level"),
    [
        (NOW, None, None, "ok"),
        (NOW, NOW, True, "ok"),
        (NOW, NOW + timedelta(seconds=5), True, "ok"),
        (NOW, NOW + timedelta(hours=1), True, "fail"),
        (NOW, NOW, False, "warn"),
        (datetime(1970, 1, 1, tzinfo=UTC), None, True, "fail"),
    ],
)
def test_a_clock_that_cannot_be_right_is_found(
    now: datetime, newest: datetime | None, synchronised: bool | None, level: Level
):
    assert levels(list(machine.clock(now, newest, synchronised))) == [level]


def test_the_kernel_is_asked_about_its_clock():
    assert machine.kernel_synchronised() in (True, False, None)


async def test_entries_from_the_future_show_that_the_clock_went_back(place: Place):
    await desk(place, entry(NOW + timedelta(days=1)))
    assert only((await place.examined())["clock"], "fail").what.startswith("2026-06-03")


async def test_a_zone_that_is_not_chinas_is_warned_of(place: Place):
    place.change(lambda data: data["company"].update(timezone="Europe/Berlin"))
    assert "Europe/Berlin 04:00" in only((await place.examined())["timezone"], "warn").what


async def test_a_damaged_database_is_found(place: Place):
    place.state.mkdir()
    (place.state / "huisheng.db").write_bytes(b"not a database" * 1000)
    assert only((await place.examined())["database"], "fail").what.endswith("not a database")


async def test_a_damaged_page_of_the_database_is_found(place: Place):
    await desk(place, *(entry(NOW, f"call-{number}") for number in range(200)))
    file = place.state / "huisheng.db"
    content = bytearray(file.read_bytes())
    place_of_page = content.rindex(b"call-77")
    content[place_of_page - 200 : place_of_page + 200] = os.urandom(400)
    file.write_bytes(content)
    found = await place.examined()
    assert "fail" in levels(found["database"] + found.get("timeline", []))


async def test_a_database_that_another_program_holds_is_found(place: Place):
    await desk(place, entry(NOW))
    holder = sqlite3.connect(place.state / "huisheng.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        finding = only((await place.examined())["database"], "fail")
    finally:
        holder.close()
    assert "end the program that holds it" in finding.mend


async def test_a_database_out_of_wal_is_warned_of(place: Place):
    await desk(place, entry(NOW))
    file = sqlite3.connect(place.state / "huisheng.db")
    file.execute("PRAGMA journal_mode=DELETE")
    file.close()
    assert "delete" in only((await place.examined())["database"], "warn").what


@pytest.mark.parametrize(("revision", "level"), [("9999", "fail"), ("0000", "warn")])
async def test_a_database_of_another_version_is_told(place: Place, revision: str, level: Level):
    await desk(place)
    file = sqlite3.connect(place.state / "huisheng.db")
    with file:
        file.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    file.close()
    found = await place.examined()
    assert revision in only(found["database"], level).what
    assert "timeline" not in found


async def test_a_server_that_is_not_there_is_found(place: Place):
    url = f"postgresql://nobody@127.0.0.1:{place.settings.api.port}/none"
    place.change(lambda data: data["database"].update(url=url))
    assert "cannot be used" in only((await place.examined())["database"], "fail").what


async def test_a_changed_entry_at_the_end_of_the_timeline_is_found(place: Place):
    await desk(place, *(entry(NOW) for _ in range(5)))
    assert levels((await place.examined())["timeline"]) == ["ok"]
    file = sqlite3.connect(place.state / "huisheng.db")
    with file:
        file.execute("UPDATE timeline SET body = '{}x' WHERE seq = 4")
    file.close()
    assert "4" in only((await place.examined())["timeline"], "fail").what


async def test_a_port_that_somebody_has_is_found_with_its_setting(place: Place):
    settings = place.settings
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", settings.api.port))
        tcp.listen()
        udp.bind(("127.0.0.1", settings.pbx.sip.port))
        found = (await place.examined())["ports"]
    assert levels(found) == ["fail", "fail"]
    assert "api.port" in found[0].mend
    assert "pbx.sip.port" in found[1].mend


async def test_a_line_that_runs_but_does_not_answer_is_found(place: Place):
    with sole_owner(place.state):
        found = await place.examined()
    assert str(place.settings.api.port) in only(found["line"], "fail").what


async def test_prompts_that_cannot_be_spoken_are_found(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await place.examined()
    assert "apt-get install espeak-ng sox" in only(found["prompts"], "fail").mend
    assert "sip-tester" in only(found["sipp"], "warn").mend


async def test_the_bundled_speech_model_is_told_until_a_real_one_is_named(place: Place):
    assert (
        "understands synthetic speech only" in only((await place.examined())["speech"], "warn").what
    )
    model = place.config.parent / "vosk-model"
    place.change(lambda data: data["speech"].update(model="vosk-model"))
    assert "no such folder" in only((await place.examined())["speech"], "fail").what
    for name in ("am/final.mdl", "conf/mfcc.conf"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).touch()
    assert levels((await place.examined())["speech"]) == ["ok"]


async def test_an_old_or_damaged_region_table_is_told(place: Place):
    assert levels((await place.examined(datetime(2024, 1, 5, tzinfo=UTC)))["region"]) == ["ok"]
    assert "2023-12" in only((await place.examined())["region"], "warn").what
    path = RegionTable.builtin().save(place.state)
    assert levels((await place.examined())["region"]) == ["ok"]
    path.write_bytes(b"damaged")
    assert "region update" in only((await place.examined())["region"], "fail").mend


@pytest.mark.parametrize(
    ("now", "level", "told"),
    [
        (datetime(2026, 6, 3, tzinfo=UTC), "ok", "2026"),
        (datetime(2040, 6, 3, tzinfo=UTC), "warn", "2040:"),
        (datetime(2040, 11, 3, tzinfo=UTC), "warn", "2040, 2041"),
    ],
)
async def test_years_without_holidays_are_told_once_they_should_be_known(
    place: Place, now: datetime, level: Level, told: str
):
    (finding,) = (await place.examined(now))["calendar"]
    assert (finding.level, told in finding.what) == (level, True)


async def test_a_calendar_file_that_went_bad_is_found(place: Place):
    (place.config.parent / "days.csv").write_text("2026-01-01,rest\n")
    place.change(lambda data: data["ivr"].update(calendar_file="days.csv"))
    assert levels((await place.examined())["calendar"]) == ["ok"]
    (place.config.parent / "days.csv").write_text("tomorrow,rest\n")
    assert "days.csv:1" in only((await place.examined())["config"], "fail").what


async def test_a_target_that_is_down_and_what_waits_for_it_are_told(place: Place):
    target = place.settings.bridge.targets[0].name
    place.change(lambda data: data["bridge"].update(demo_crm_port=0))

    def trouble(db: Any) -> None:
        then = NOW - timedelta(hours=1)
        outbox.fan_out(db, [target], then)
        for call in ("call-1", "call-2"):
            timeline.append(db, kind="call.noted", body={}, now=then, call_id=call)
        outbox.fan_out(db, [target], then)
        one, _ = outbox.due(db, target, then, 2)
        outbox.bury(db, one.id, "HTTP 422", then)

    await desk(place, trouble)
    found = (await place.examined())["bridge"]
    assert levels(found) == ["warn", "warn", "warn"]
    assert "cannot be reached" in found[0].what
    assert "huisheng bridge replay" in found[1].mend
    assert "1 条在等待" in found[2].what


async def test_a_target_that_listens_is_reachable(place: Place):
    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        place.change(
            lambda data: data["bridge"]["targets"][0].update(url=f"http://127.0.0.1:{port}/x")
        )
        assert levels((await place.examined())["bridge"]) == ["ok"]


async def test_a_check_that_breaks_does_not_keep_the_others_from_telling(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(machine, "zone", broken)
    found = await place.examined()
    assert "RuntimeError: boom" in only(found["timezone"], "fail").what
    assert "calendar" in found
