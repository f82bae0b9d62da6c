"""`huisheng outbound`: an administrator looks at calls to customers, stops them, and keeps the
do-not-call list."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.outbound import app
from desk import journal, recordings
from desk.db.engine import Database
from desk.journal import NewCall
from desk.outbound import LimitSettings, NewAttempt, attempts, limits, marks, requests
from desk.outbound.requests import NewRequest
from desk.recordings import NewRecording
from desk.region import locate
from tests.desk.outbound.samples import MOBILE
from tests.rig.own_line import OwnLine

E164 = f"+86{MOBILE}"


class Shell:
    """The command on a line's own database."""

    def __init__(self, line: OwnLine) -> None:
        self.line = line

    def __call__(self, *words: str) -> Result:
        command = [*words, "--config", str(self.line.config)]
        return CliRunner().invoke(app, command, catch_exceptions=False)

    def desk(self, *work: Any, **values: Any) -> Any:
        """What a unit of work on the same database returns."""

        async def done() -> Any:
            async with await Database.open(self.line.settings.database_url) as db:
                return await db.write(*work, **values)

        return asyncio.run(done())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(OwnLine.in_folder(tmp_path))


def placed() -> Callable[..., Any]:
    """A call that is under way, one that waits, and a limit that was hit."""

    def work(db: Any) -> None:
        now = datetime.now(UTC)
        one = LimitSettings(most_per_hour=1)
        first = NewAttempt("huisheng-1", "click", MOBILE, E164, "02288880000")
        assert limits.begin(db, first, one, now) is None
        other = NewAttempt("huisheng-2", "click", "13820220002", "+8613820220002", "")
        assert limits.begin(db, other, one, now) == "most_per_hour"
        wanted = NewRequest("k", "scheduled", "call", now, number=MOBILE, e164=E164, agent="8001")
        requests.add(db, wanted, now, actor="agent:8001")

    return work


def test_status_shows_the_switch_what_is_placed_and_wanted_and_what_was_hit(shell: Shell) -> None:
    assert "no trunk" in shell("status").stdout, "as shipped nobody is called"
    shell.line.change(lambda config: config["outbound"].update(trunk="carrier"))
    shell.desk(placed())
    told = shell("status").stdout
    assert "no trunk" not in told
    assert "running" in told
    assert "within the hour: 1 / 60" in told
    assert "going on: 1 / 10" in told
    assert "most_per_hour" in told
    assert "scheduled call waiting - +86138****0001" in told
    assert MOBILE not in told, "numbers are masked"


def test_stop_and_start_turn_the_switch_in_the_name_of_who_sits_there(shell: Shell) -> None:
    stopped = shell("stop", "--reason", "盗打")
    assert (stopped.exit_code, "stopped" in stopped.stdout, "盗打" in stopped.stdout) == (0, 1, 1)
    switch = shell.desk(limits.standing)
    assert (switch.stopped, switch.reason) == (True, "盗打")
    assert switch.actor.startswith("cli:")
    new = NewAttempt("huisheng-1", "click", MOBILE, E164, "")
    assert shell.desk(limits.begin, new, LimitSettings(), datetime.now(UTC)) == "stopped"
    assert "stopped" in shell("status").stdout
    assert "running" in shell("start").stdout
    assert not shell.desk(limits.standing).stopped
    assert shell.desk(attempts.placed, datetime(2020, 1, 1, tzinfo=UTC)) == 0


def test_do_not_call_takes_a_number_in_any_form_and_lists_it_masked(shell: Shell) -> None:
    added = shell("do-not-call", "add", "138 2022 0001", "--reason", "客户要求")
    assert (added.exit_code, MOBILE in added.stdout) == (0, False)
    assert shell.desk(marks.of_number, E164) == {"do_not_call"}
    assert shell("do-not-call", "add", E164).exit_code == 0, "twice is once"
    listed = shell("do-not-call", "list").stdout
    assert "+86138****0001" in listed
    assert "客户要求" in listed
    assert E164 in shell("do-not-call", "list", "--full").stdout
    assert shell("do-not-call", "remove", MOBILE).exit_code == 0
    assert shell.desk(marks.of_number, E164) == frozenset()


def test_what_is_no_number_or_not_on_the_list_is_said(shell: Shell) -> None:
    refused = shell("do-not-call", "add", "abc")
    assert (refused.exit_code, "no number" in refused.stderr) == (2, True)
    missing = shell("do-not-call", "remove", MOBILE)
    assert (missing.exit_code, "not on the list" in missing.stderr) == (1, True)


def test_evidence_of_calls_is_read_together(shell: Shell) -> None:
    """Both numbers, times, identity, consent and recording, for whoever asks for proof."""
    at = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)

    def called(db: Any) -> int:
        attempts.add(db, NewAttempt("out-1", "confirm", MOBILE, E164, "02288880000"), at)
        caller = locate(MOBILE)
        journal.begin(db, NewCall("out-1", MOBILE, E164, caller, direction="outbound"), at)
        attempts.answered(db, "out-1", at + timedelta(seconds=5))
        attempts.identified(db, "out-1", "pressed", at + timedelta(seconds=9))
        attempts.consented(db, "out-1", "given", at + timedelta(seconds=12))
        attempts.ended(db, "out-1", "solved", at + timedelta(seconds=20))
        attempts.add(db, NewAttempt("out-2", "click", "13820220002", "+8613820220002", ""), at)
        kept = NewRecording("out-1", "confirm-out-1-1", "/r/1.wav", 3.0, "ab" * 32, "mix")
        return recordings.add(db, kept, at)

    recording_id = shell.desk(called)
    first, second = shell("evidence", "--number", MOBILE).stdout.splitlines()
    assert first == "2026-11-18 10:00:00 confirm - 02288880000 → +86138****0001 solved"
    assert "answered 2026-11-18 10:00:05, 结束 ended 2026-11-18 10:00:20" in second
    assert "identity pressed 2026-11-18 10:00:09" in second
    assert "consent given 2026-11-18 10:00:12" in second
    assert second.endswith(f"recordings {recording_id}")
    assert E164 in shell("evidence", "--full").stdout
    assert len(shell("evidence").stdout.splitlines()) == 4


def test_a_long_list_is_listed_whole(shell: Shell) -> None:
    def many(db: Any) -> None:
        for number in range(marks.MOST + 5):
            e164 = f"+861382022{number:04d}"
            marks.put(db, e164, "do_not_call", "", datetime.now(UTC), actor="test")

    shell.desk(many)
    assert len(shell("do-not-call", "list").stdout.splitlines()) == marks.MOST + 5
