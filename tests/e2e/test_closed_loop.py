"""Nothing is closed until the customer says so: the whole way, from the complaint to the score, on
a real Asterisk. The demo plays it; here every record that it leaves is held to its word.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ari_app.demo.closed_loop import (
    FIRST_SOLUTION,
    POINTS,
    PRAISE,
    SECOND_SOLUTION,
    Loop,
    closed_loop,
)
from ari_app.demo.lines import DemoLine, private_line
from ari_app.demo.loop_line import NUMBER, SHOWN, loop_settings
from ari_app.demo.stage import rules_for
from ari_app.demo.watch import Audience
from ari_app.settings import load
from asterisk_conf.install import Installation
from desk import journal, recordings, surveys, tickets, timeline
from desk.outbound import attempts, requests
from desk.tickets import Ticket
from desk.timeline import Entry, verify
from tests.e2e.line_rig import CONFIG, write_config
from tests.rig import ports
from tests.rig.own_line import OwnLine

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="module"),
]

TOLD = ["opened", "resolved", "resolved", "survey"]
"""What is written to the customer, by template."""
WAY = [
    "accepted",
    "assigned",
    "in_progress",
    "resolved",
    "reopened",
    "in_progress",
    "resolved",
    "closed",
]


@dataclass
class Played:
    """The loop, and the line that it was played on, still running."""

    loop: Loop
    line: DemoLine
    chapters: list[str]
    told: list[Entry]

    async def ticket(self) -> Ticket:
        found = await self.line.db.read(tickets.by_number, self.loop.ticket["number"])
        assert found is not None
        return found

    async def entries(self) -> list[Entry]:
        """The case's own timeline."""
        ticket = await self.ticket()
        return await self.line.db.read(timeline.entries_after, 0, 500, ticket_id=ticket.id)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def played(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Played]:
    ports.keep()
    config = write_config(tmp_path_factory.mktemp("loop"), "http://127.0.0.1:9/none")
    data = json.loads(config.read_text(encoding="utf-8"))
    data["pbx"]["agents"][0]["skills"] = ["repair"]  # the shipped rules ask for it
    config.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    settings = load(config)
    chapters: list[str] = []
    told: list[Entry] = []
    async with private_line(settings, loop_settings) as line:
        rules = rules_for(settings, CONFIG.parent)
        loop = await closed_loop(line, rules, Audience(chapters.append, told.append))
        yield Played(loop, line, chapters, told)


async def test_a_case_is_closed_by_the_customers_own_key_and_by_nothing_before(
    played: Played,
) -> None:
    assert [step["status"] for step in played.loop.history] == WAY
    ticket = await played.ticket()
    said = await played.line.db.read(tickets.confirmations.of_ticket, ticket.id)
    assert [(each.answer, each.source, each.identity, each.cycle) for each in said] == [
        ("not_solved", "key", "pressed", 1),
        ("solved", "key", "pressed", 2),
    ]
    assert (ticket.status, ticket.cycle, ticket.confirmation_id) == ("closed", 2, said[1].id)
    assert ticket.solution == SECOND_SOLUTION


async def test_each_answer_is_kept_with_both_numbers_consent_and_a_recording_of_its_call(
    played: Played,
) -> None:
    db, ticket = played.line.db, await played.ticket()
    asked = await db.read(requests.search, ticket_id=ticket.id)
    made = [each for one in reversed(asked) for each in await db.read(attempts.of_request, one.id)]
    assert [each.outcome for each in made] == ["not_solved", "solved"], "called back exactly twice"
    said = await db.read(tickets.confirmations.of_ticket, ticket.id)
    for attempt, answer in zip(made, said, strict=True):
        assert (attempt.number, attempt.shown) == (NUMBER, SHOWN)
        assert (attempt.purpose, attempt.consent) == ("confirm", "given")
        assert attempt.answered_at is not None
        assert attempt.consent_at is not None
        assert attempt.answered_at < attempt.consent_at < answer.at
        assert answer.call_id == attempt.id
        (kept,) = await db.read(recordings.of_call, attempt.id)
        assert answer.recording_id == kept.id
        assert kept.seconds > 1
        call = await db.read(journal.get, attempt.id)
        assert call is not None
        assert call.ticket_id == ticket.id
    assert [call["e164"] for call in played.loop.calls] == [f"+86{NUMBER}"] * 2


async def test_one_complaint_is_one_ticket_of_the_customers_own_region(played: Played) -> None:
    found = await played.line.db.read(tickets.search)
    assert [each.number for each in found] == [played.loop.ticket["number"]]
    (ticket,) = found
    assert (ticket.type, ticket.team, ticket.level) == ("complaint", "tianjin", 3)
    extension = next((e.body or {})["agent"] for e in played.told if e.kind == "agent.answered")
    assert ticket.assignee == f"agent{extension}", "who talked with the customer keeps the case"
    assert ticket.customer_id is not None
    ours = [e for e in await played.entries() if e.kind in ("ticket.started", "ticket.resolved")]
    assert {entry.actor for entry in ours} == {ticket.assignee}
    solutions = [(e.body or {})["solution"] for e in ours if e.kind == "ticket.resolved"]
    assert solutions == [FIRST_SOLUTION, SECOND_SOLUTION]


async def test_who_is_not_content_comes_first_and_the_same_clock_goes_on(played: Played) -> None:
    entries = await played.entries()
    (reopened,) = [entry for entry in entries if entry.kind == "ticket.reopened"]
    body: dict[str, Any] = reopened.body or {}
    assert body["priority"] == 40, "20 of its level, 20 for coming back"
    assert {"resume_clock", "new_cycle", "raise_priority"} <= set(body["triggers"])
    rounds = [each for each in played.loop.sla if each["target"] == "resolution"]
    assert [each["cycle"] for each in rounds] == [1, 2]
    first, second = rounds
    assert first["policy"] == second["policy"] == "tianjin"
    assert {each["state"] for each in rounds} == {"met"}
    assert _at(second["started_at"]) == reopened.at
    assert first["elapsed_seconds"] == pytest.approx(_seconds(first))
    assert second["elapsed_seconds"] == pytest.approx(first["elapsed_seconds"] + _seconds(second))
    response = next(each for each in played.loop.sla if each["target"] == "first_response")
    assert response["state"] == "met", "the agent's live answer"


async def test_customer_is_told_by_sms_and_asked_once_how_it_was(played: Played) -> None:
    assert [each["template"] for each in played.loop.messages] == TOLD
    assert {each["to"] for each in played.loop.messages} == {f"+86{NUMBER}"}
    assert FIRST_SOLUTION in played.loop.messages[1]["text"]
    ticket = await played.ticket()
    (answered,) = await played.line.db.read(surveys.of_ticket, ticket.id)
    assert (answered.channel, answered.cycle) == ("link", 2)
    assert (answered.points, answered.comment, answered.effect) == (POINTS, PRAISE, "")
    assert played.loop.customer_score == POINTS
    link = played.loop.messages[-1]["text"].partition("/l/")[2].split()[0]
    assert not any(link in json.dumps(e.body, default=str) for e in await played.entries())


async def test_crm_gets_the_whole_case_in_order_and_everything_once(played: Played) -> None:
    sent = [each["data"]["seq"] for each in played.loop.delivered]
    in_house = ("customer.", "token.", "account.")
    theirs = [e.seq for e in await played.entries() if not e.kind.startswith(in_house)]
    of_ticket = [seq for seq in sent if seq in set(theirs)]
    assert of_ticket == sorted(of_ticket) == [seq for seq in theirs if seq <= max(sent)]
    assert len(set(sent)) == len(sent)
    order = [each["type"] for each in played.loop.delivered]
    steps = ["ticket.opened", "ticket.resolved", "ticket.reopened", "ticket.confirmed"]
    assert sorted(steps, key=order.index) == steps
    assert order[-1] == "survey.answered"


async def test_history_of_the_case_cannot_be_changed_unseen(played: Played) -> None:
    assert (await played.line.db.read(verify)).intact
    assert len(played.chapters) == 5
    seqs = [entry.seq for entry in played.told]
    assert seqs == sorted(set(seqs)), "each entry is told once, as it comes"


async def test_command_plays_the_loop_and_prints_it_for_programs(
    tmp_path: Path, installation: Installation
) -> None:
    def short(config: dict[str, Any]) -> None:
        for name in config["ivr"]["prompts"]:
            config["ivr"]["prompts"][name] = "喂"

    line = OwnLine.in_folder(tmp_path)
    line.change(short)
    done = await asyncio.to_thread(line.command, "demo", "--story", "closed-loop", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["ticket"]["status"] == "closed"
    assert [each["answer"] for each in shown["confirmations"]] == ["not_solved", "solved"]
    assert [each["points"] for each in shown["surveys"]] == [POINTS]
    assert not (line.state / "huisheng.db").exists(), "a line of its own"


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _seconds(clock: dict[str, Any]) -> float:
    return (_at(clock["ended_at"]) - _at(clock["started_at"])).total_seconds()
