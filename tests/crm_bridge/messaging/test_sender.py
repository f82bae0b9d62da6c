"""What the desk wrote reaches the customer once, whatever the provider and the database do."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from crm_bridge.messaging.file import FileProvider
from crm_bridge.messaging.sender import Sender
from desk import messages
from desk.db.engine import Database
from desk.errors import DatabaseBusy
from desk.messages import Channel, Message, MessageSettings, NewMessage, State
from desk.messages.sending import Later, Refused, Result, Sent
from tests.rig.samples import count

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
MOBILE = "+8613502689471"
SETTINGS = MessageSettings(quiet=None, per_number_daily=1000)
ROOT = Path(__file__).parents[3]


class Scripted:
    """A provider that does as it is told."""

    name = "scripted"
    deadline_seconds = 0.05

    def __init__(self, *results: Result | Exception) -> None:
        self.results = list(results)
        self.sent: list[int] = []
        self.gate: asyncio.Event | None = None

    async def send(self, message: Message) -> Result:
        self.sent.append(message.id)
        if self.gate is not None:
            await self.gate.wait()
        result = self.results.pop(0) if self.results else Sent("x")
        if isinstance(result, Exception):
            raise result
        return result

    async def aclose(self) -> None: ...


def write(db: Connection, number: int = 1, now: datetime = NOW) -> None:
    for each in range(number):
        messages.put(
            db, NewMessage("sms", MOBILE, "opened", f"第{each}", None, None, f"{each}"), now
        )


def sender(
    db: Database, provider: Scripted | FileProvider, clock: Callable[[], datetime] = lambda: NOW
) -> Sender:
    return Sender(db, Channel.SMS, provider, SETTINGS, UTC, clock, in_flight=2, draw=lambda: 1.0)


async def states(db: Database) -> list[tuple[str, str]]:
    def rows(connection: Connection) -> list[tuple[str, str]]:
        query = text("SELECT state, reason FROM messages ORDER BY id")
        return [(row.state, row.reason) for row in connection.execute(query)]

    return await db.read(rows)


async def test_everything_that_is_due_is_sent_a_few_at_a_time(db: Database) -> None:
    provider = Scripted()
    await db.write(write, 5)
    await sender(db, provider).turn()
    assert provider.sent == [1, 2, 3, 4, 5]
    assert {state for state, _ in await states(db)} == {"sent"}


async def test_an_attempt_that_gets_no_answer_counts_as_sent_and_is_not_repeated(
    db: Database,
) -> None:
    provider = Scripted()
    provider.gate = asyncio.Event()
    one = sender(db, provider)
    one._provider = provider
    await db.write(write)
    provider.deadline_seconds = -0.95  # and the margin: 0.05 s
    await one.turn()
    assert provider.sent == [1]
    assert (await states(db))[0][0] == "sent"
    assert "not known" in (await states(db))[0][1]


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Refused("blocked"), State.FAILED),
        (Later("busy"), State.QUEUED),
        (RuntimeError("a fault of the provider's"), State.SENT),
    ],
)
async def test_what_the_provider_says_is_kept(
    db: Database, result: Result | Exception, state: State
) -> None:
    await db.write(write)
    await sender(db, Scripted(result)).turn()
    assert (await states(db))[0][0] == state.value


async def test_what_was_sent_while_the_database_failed_is_recorded_when_it_is_back(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Scripted()
    one = sender(db, provider)
    await db.write(write)
    real, calls = db.write, 0

    async def failing(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise DatabaseBusy("locked")
        return await real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(db, "write", failing)
    with pytest.raises(DatabaseBusy):
        await one.turn()
    await one.turn()
    assert provider.sent == [1]
    assert await states(db) == [("sent", "")]


async def test_a_sender_that_is_cut_off_leaves_no_sms_to_be_sent_twice(db: Database) -> None:
    provider = Scripted()
    provider.gate, provider.deadline_seconds = asyncio.Event(), 10
    await db.write(write)
    task = asyncio.create_task(sender(db, provider).turn())
    while not provider.sent:  # noqa: ASYNC110 - the provider's own call is what is waited for
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    other = Scripted()
    await sender(db, other, lambda: NOW + timedelta(minutes=1)).turn()
    assert other.sent == []
    assert (await states(db))[0][0] == "sent"


async def test_until_a_provider_is_configured_sms_are_lines_of_a_file(
    db: Database, tmp_path: Path
) -> None:
    await db.write(write, 2)
    folder = tmp_path / "messages"
    await sender(db, FileProvider(folder)).turn()
    lines = [json.loads(line) for line in (folder / "sms.jsonl").read_text().splitlines()]
    assert [(line["to"], line["text"]) for line in lines] == [(MOBILE, "第0"), (MOBILE, "第1")]
    assert (folder / "sms.jsonl").stat().st_mode & 0o777 == 0o600
    assert {state for state, _ in await states(db)} == {"sent"}


async def test_a_folder_that_cannot_be_written_only_delays(db: Database, tmp_path: Path) -> None:
    (tmp_path / "messages").write_text("in the way")
    await db.write(write)
    await sender(db, FileProvider(tmp_path / "messages")).turn()
    assert (await states(db))[0][0] == "queued"


@pytest.mark.chaos
@pytest.mark.slow
async def test_two_processes_one_of_them_killed_send_no_sms_twice_and_lose_none(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    many = 60
    await db.write(write, many, datetime.now(UTC))
    program = [sys.executable, "-m", "tests.crm_bridge.messaging.two_senders"]
    first, second = [
        await asyncio.create_subprocess_exec(
            *program, database_url, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        for process in (first, second):
            assert process.stdout is not None
            assert await asyncio.wait_for(process.stdout.readline(), 30) == b"ready\n"
        async with asyncio.timeout(60):
            while await db.read(_sent) < many // 4:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            first.kill()
            while await db.read(_sent) < many:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        for process in (first, second):
            if process.returncode is None:
                process.kill()
            await process.wait()
    told = [json.loads(line)["id"] for line in (tmp_path / "sms.jsonl").read_text().splitlines()]
    assert len(told) == len(set(told)), "an SMS went out twice"
    unsure = [reason for _, reason in await states(db) if reason]
    assert many - len(unsure) <= len(told) <= many
    assert len(unsure) <= 3, "only what the killed process had under way"
    assert await db.read(count, "messages") == many


def _sent(db: Connection) -> int:
    found: int = db.execute(text("SELECT count(*) FROM messages WHERE state = 'sent'")).scalar_one()
    return found
