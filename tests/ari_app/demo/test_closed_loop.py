"""The closed loop's own parts: it tells what happens, says where it stands if it ends too early,
and rings nobody but this machine.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner

from ari_app.cli.main import build
from ari_app.demo import closed_loop
from ari_app.demo.errors import StoryLateError, StoryStrayedError
from ari_app.demo.lines import DemoLine
from ari_app.demo.loop_line import NUMBER, answering, customers_port, loop_settings
from ari_app.demo.loop_words import SENTENCES, sentence
from ari_app.demo.stage import rules_for
from ari_app.demo.watch import Audience, Watch
from ari_app.house import house_of
from ari_app.outbound_settings import check_outbound
from ari_app.prompts.cache import Prompts
from ari_app.settings import Settings, load
from ari_app.sip_caller import Press, Wait
from desk import sla, tickets, timeline
from desk.db.engine import Database
from desk.outbound.numbers import is_permitted
from desk.routing.check import book_of
from desk.timeline import Entry

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 18, 2, tzinfo=UTC)
TABLE = dict(
    re.findall(
        r"^\| `([a-z_]+\.[a-z_]+)` \| .* \| `(\{.*\})` \|$",
        (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8"),
        re.M,
    )
)
NOBODY = Audience(lambda _: None, lambda _: None)


@pytest.fixture
def settings() -> Settings:
    return loop_settings(load(ROOT / "config.yaml"))


@pytest.fixture
async def line(settings: Settings, tmp_path: Path) -> AsyncIterator[DemoLine]:
    """A line on which nothing happens by itself."""
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as db:
        yield DemoLine(settings, db, private=True)


def entry(kind: str, body: dict[str, Any]) -> Entry:
    return Entry(1, NOW, kind, "c1", 1, None, "system", body, hash="")


@pytest.mark.parametrize("kind", SENTENCES)
def test_each_kind_is_told_in_a_sentence_from_what_it_really_says(kind: str) -> None:
    told = sentence(entry(kind, json.loads(TABLE[kind])))
    assert told is not None
    assert told != kind
    assert "None" not in told


def test_what_is_no_part_of_the_case_is_not_told() -> None:
    assert sentence(entry("token.created", {})) is None
    assert sentence(entry("task.added", {})) == "task.added", "what has no sentence is still shown"


def test_loop_can_ring_its_customer_and_only_on_this_machine(settings: Settings) -> None:
    assert list(check_outbound(settings.outbound, settings.pbx, settings.ivr)) == []
    (trunk,) = settings.pbx.trunks
    assert trunk.contacts == [f"sip:127.0.0.1:{customers_port(settings)}"]
    assert ip_address(settings.api.host).is_loopback
    carriers = settings.bridge.messaging
    assert (carriers.sms, carriers.email) == ("file", "file"), "nobody is written to"
    assert is_permitted(NUMBER, settings.outbound.limits)


def test_customer_answers_three_questions_each_while_it_is_asked() -> None:
    short, long = (dict.fromkeys(load(ROOT / "config.yaml").ivr.prompts, seconds)
                   for seconds in (0.4, 9.0))  # fmt: skip
    for lengths in (short, long):
        steps = answering(Prompts({}, lengths), "2").steps
        assert [step.keys for step in steps if isinstance(step, Press)] == ["1", "1", "2"]
        waits = [step.seconds for step in steps if isinstance(step, Wait)]
        assert all(1.0 < seconds < 9.0 for seconds in waits)


def test_line_without_rules_of_its_own_gets_usable_ones(settings: Settings, tmp_path: Path) -> None:
    book = book_of(rules_for(settings, tmp_path), house_of(settings))
    assert book.rules.default_team == settings.pbx.agents[0].team


async def test_watcher_tells_each_entry_once_and_finds_the_one_after_another(
    line: DemoLine,
) -> None:
    told: list[Entry] = []
    watch = Watch(line, Audience(lambda _: None, told.append))
    await written(line, "ticket.resolved", {"cycle": 1})
    first = await watch.until("the first", "ticket.resolved")
    await written(line, "ticket.resolved", {"cycle": 2})
    second = await watch.until("the second", "ticket.resolved", after=first, cycle=2)
    assert (first.body, second.body) == ({"cycle": 1}, {"cycle": 2})
    assert [each.seq for each in told] == [first.seq, second.seq]
    assert watch.last("ticket.resolved") is second


async def test_story_that_goes_another_way_says_so_at_once(line: DemoLine) -> None:
    await written(line, "outbound.asked", {"way": "sms"})
    watch = Watch(line, NOBODY)
    with pytest.raises(StoryStrayedError, match=r"our call.*outbound.asked.*sms"):
        await watch.until("our call", "outbound.dialling", strays=("outbound.asked",))


async def test_clocks_are_shown_only_once_they_say_what_happened(line: DemoLine) -> None:
    def opened(db: Connection) -> None:
        tickets.open_ticket(db, tickets.NewTicket("complaint", "不制冷"), NOW)

    await line.db.write(opened)
    waits = asyncio.create_task(closed_loop._reckoned(line, Watch(line, NOBODY)))
    await line.db.read(sla.behind)  # after which the other has looked too
    assert not waits.done()
    while await line.db.write(sla.follow):
        pass
    async with asyncio.timeout(30):
        await waits


async def test_story_that_ends_too_late_says_where_it_stood(
    line: DemoLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waits(_line: DemoLine, _rules: str, watch: Watch) -> Any:
        return await watch.until("the survey's SMS", "message.sent")

    monkeypatch.setattr(closed_loop, "_play", waits)
    monkeypatch.setattr(closed_loop, "MOST_SECONDS", 0.05)
    with pytest.raises(StoryLateError, match="still waited for the survey's SMS"):
        await closed_loop.closed_loop(line, "", NOBODY)


def test_command_refuses_two_stories_at_once() -> None:
    words = ["demo", "--talk", "--story", "closed-loop"]
    done = CliRunner().invoke(build("demo"), words)
    assert done.exit_code == 2
    assert "either --talk or --story" in done.output


async def written(line: DemoLine, kind: str, body: dict[str, Any]) -> None:
    def work(db: Connection) -> None:
        timeline.append(db, kind=kind, body=body, now=NOW)

    await line.db.write(work)
