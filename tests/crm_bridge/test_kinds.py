"""docs/webhooks.md names every kind of entry that leaves the house, with what is in it."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from crm_bridge.settings import BridgeSettings, WebhookTarget, ZammadTarget
from desk import (
    agents,
    callbacks,
    journal,
    outbox,
    recordings,
    talks,
    tickets,
    timeline,
    utterances,
)
from desk.callbacks import NewCallback
from desk.db.engine import Database
from desk.journal import NewCall
from desk.recordings import NewRecording
from desk.routing import SCHEMA
from desk.talks import NewTalk
from desk.tickets import Digest, NewTicket
from desk.utterances import NewUtterance
from tests.rig.samples import NOW, TIANJIN, begin

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
TABLE = {
    kind: json.loads(body)
    for kind, body in re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| .* \| `(\{.*\})` \|$", TEXT, re.M)
}
SUBJECTS = {kind.partition(".")[0] for kind in TABLE}
AT_HOME = {"automation", "account", "customer", "session", "token", "timeline", "unmasked"}
"""Subjects of entries that concern no call, ticket or agent: they are not sent."""
NOT_IN_THE_TIMELINE = {"utterance.partial", "queue.changed", "ticket.fields", *SCHEMA.paths()}
"""Passing events, and facts that conditions and templates ask about."""
DOTTED = re.compile(r"[a-z]+\.[a-z_]+")


def _written_by(path: Path) -> Iterator[tuple[str, set[str]]]:
    """The kinds that a module names, with the keywords of a note's body where they are visible."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    apart: set[int] = set()
    node: Any
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        constants: list[Any] = [one for one in node.args if isinstance(one, ast.Constant)]
        if name in ("unit", "publish", "Chore", "follower"):  # other things that have names
            apart.update(map(id, constants))
        elif name == "note":
            for one in constants:
                if _is_dotted(one):
                    apart.add(id(one))
                    yield one.value, {key.arg for key in node.keywords if key.arg}
        for key in node.keywords:
            if key.arg == "kind" and _is_dotted(key.value):
                apart.add(id(key.value))
                yield key.value.value, set()
    for node in ast.walk(tree):
        if id(node) not in apart and _is_dotted(node) and node.value.partition(".")[0] in SUBJECTS:
            yield node.value, set()


def _is_dotted(node: Any) -> bool:
    text = getattr(node, "value", None)
    return isinstance(node, ast.Constant) and isinstance(text, str) and bool(DOTTED.fullmatch(text))


def _modules() -> Iterator[Path]:
    for folder in ("desk", "ari_app/calls", "agi_scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not {"api", "db"} & set(path.relative_to(ROOT).parts):
                yield path


USED = [(path, kind, keys) for path in _modules() for kind, keys in _written_by(path)]


def test_every_kind_that_the_code_writes_is_in_the_table() -> None:
    missing = {
        f"{kind} ({path.relative_to(ROOT)})"
        for path, kind, _ in USED
        if kind not in TABLE
        and kind not in NOT_IN_THE_TIMELINE
        and kind.partition(".")[0] not in AT_HOME
    }
    assert not missing, "add them to the table in docs/webhooks.md, each with an example"


def test_the_table_names_no_kind_that_nothing_writes() -> None:
    assert set(TABLE) <= {kind for _, kind, _ in USED}


def test_a_notes_details_are_in_its_example() -> None:
    for path, kind, keys in USED:
        assert keys <= set(TABLE.get(kind, keys)), f"{kind} in {path.relative_to(ROOT)}"


def _one_of_each(db: Connection) -> None:
    """A call with everything that the desk itself records of one."""
    later = NOW + timedelta(minutes=1)
    begin(db)
    agents.set_state(db, "8001", "ready", "", NOW)
    talks.begin(db, NewTalk("leg", "c1", "8001", NOW))
    new = NewUtterance("c1", "leg", 0, "agent:8001", NOW, 0.0, 1.0, "您好", (), 0.9, "vosk", True)
    utterances.add(db, new, NOW)
    utterances.replace(db, "c1", "leg", [new, replace(new, number=1)], NOW)
    talks.end(db, "leg", "hangup", later)
    ticket = tickets.open_ticket(db, NewTicket("complaint", "x", call_id="c1"), NOW)
    recording = recordings.add(db, NewRecording("c1", "r1", "/x", 1.0, "ab"), NOW)
    told = {"text": "空调坏了", "words": [], "engine": "vosk"}
    recordings.add_transcript(db, recording, told, NOW)
    tickets.add_digest(db, "c1", Digest("空调坏了", ("1",), ("2",), "extractive 1"), NOW)
    recordings.accessed(db, recording, "agent:8001", NOW)
    recordings.deleted(db, recording, NOW, reason="retention")
    number = callbacks.request(db, NewCallback("c1", "+8613502689471", {}, NOW), NOW)
    callbacks.dialling(db, number, "out", NOW)
    callbacks.again(db, number, "no_answer", later, NOW)
    callbacks.done(db, number, "answered", NOW)
    out = NewCall("out", "02253456789", "02253456789", TIANJIN, (), "outbound", ticket.id)
    journal.begin(db, out, NOW)
    journal.end(db, "c1", "hangup", later)


async def test_what_the_desk_sends_is_what_the_examples_say(db: Database) -> None:
    await db.write(lambda c: outbox.fan_out(c, ["crm"], NOW))
    await db.write(_one_of_each)
    entries = await db.read(timeline.entries_after, 0, 1000)
    assert len({entry.kind for entry in entries}) > 15
    for entry in entries:
        assert entry.body is not None
        assert set(entry.body) == set(TABLE[entry.kind]), entry.kind
    made = await db.write(outbox.fan_out, ["crm"], NOW)
    assert made == len(entries), "all of them leave the house"


def _settings(**target: Any) -> BridgeSettings:
    return BridgeSettings.model_validate({"targets": [{"name": "x", "url": "http://x", **target}]})


def test_a_webhook_wants_everything_unless_it_says_otherwise() -> None:
    assert _settings(kind="webhook").wanted == {"x": ("*",)}
    assert _settings(kind="webhook", kinds=["ticket.*"]).wanted == {"x": ("ticket.*",)}


@pytest.mark.parametrize("kinds", [[], [""], ["ticket"], ["*.opened"], ["Ticket.*"], ["t%.*"]])
def test_kinds_that_can_match_nothing_are_refused(kinds: list[str]) -> None:
    with pytest.raises(ValueError, match="kinds"):
        _settings(kind="webhook", kinds=kinds)


def test_zammad_wants_kinds_that_are_in_the_table() -> None:
    settings = _settings(kind="zammad_cti")
    assert isinstance(settings.targets[0], ZammadTarget)
    assert not isinstance(settings.targets[0], WebhookTarget)
    assert set(settings.wanted["x"]) <= set(TABLE)
