"""Whatever people and machines try with tickets, in whatever order: the table alone decides, and
no ticket is ever closed without the customer's word or a supervisor's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from desk import tickets, timeline
from desk.db.engine import Database
from desk.errors import (
    ConfirmationRefused,
    DeskError,
    NotLinkable,
    RoleNotAllowed,
    TransitionIncomplete,
    TransitionRefused,
    VersionConflict,
)
from desk.tickets import By, Given, Identity, Role, Source, closing, merging, notes, steps, voiding
from desk.tickets.lifecycle import TABLE, standing
from desk.tickets.states import Action, Need, Standing, Status, Target, Trigger
from tests.desk.lifecycle.cases import AGENT, opened
from tests.rig.samples import NOW

TICKETS = 2
STEPS = 25
GOES_ON = {"accepted", "assigned", "in_progress", "waiting_customer", "escalated", "reopened",
           "resolved"}  # fmt: skip
_numbers = count()


@dataclass(frozen=True)
class Command:
    action: Action | str
    role: Role
    which: int
    other: int  # the survivor
    words: bool  # reason, solution, name, place, void reason are given
    named: bool  # an assignee is given
    source: Source
    stale: bool


def commands(models: "list[Model]") -> st.SearchStrategy[Command]:
    """Commands, of which most lead on from where a ticket is, by somebody who may."""

    def about(which: int) -> st.SearchStrategy[Command]:
        rows = [row for row in TABLE if models[which].status in row.sources]
        likely = st.sampled_from(rows).flatmap(
            lambda row: st.tuples(st.just(row.action), st.sampled_from(sorted(row.roles)))
        )
        known = st.tuples(st.sampled_from([row.action for row in rows]), st.sampled_from(Role))
        any_at_all = st.tuples(st.sampled_from([*Action, "note"]), st.sampled_from(Role))
        return st.one_of(likely, likely, known, any_at_all).flatmap(
            lambda chosen: st.builds(
                Command,
                action=st.just(chosen[0]),
                role=st.just(chosen[1]),
                which=st.just(which),
                other=st.integers(0, TICKETS - 1),
                words=st.sampled_from([True, True, True, False]),
                named=st.booleans(),
                source=st.sampled_from(
                    [Source.KEY, Source.SMS, Source.LINK]
                    if chosen[1] is Role.SYSTEM
                    else [Source.TALK, Source.TALK, Source.TALK, Source.KEY]
                ),
                stale=st.sampled_from([False] * 9 + [True]),
            )
        )

    return st.integers(0, TICKETS - 1).flatmap(about)


@dataclass
class Model:
    """What the oracle knows of a ticket."""

    id: int
    call_id: str
    status: str = "accepted"
    version: int = 1
    cycle: int = 1
    team: str = ""
    assignee: str = ""
    before: str = ""
    closed_by: str = ""
    life: list[str] = field(default_factory=list)


def expected(models: list[Model], command: Command) -> type[DeskError] | Callable[[], None]:
    """What must come of a command: an error, or a change of the model."""
    model, role = models[command.which], command.role
    if command.action is Action.MERGE and command.which == command.other:
        return NotLinkable
    if command.stale:
        return VersionConflict
    if command.action is Action.MERGE and models[command.other].status not in GOES_ON:
        return NotLinkable
    rows = [
        row for row in TABLE if row.action == command.action and model.status in set(row.sources)
    ]
    if not rows:
        return TransitionRefused
    [row] = rows
    if role not in row.roles:
        return RoleNotAllowed
    if any(not _there(need, model, command) for need in row.needs):
        return TransitionIncomplete
    if Need.CONFIRMATION in row.needs and (command.source is Source.TALK) == (role is Role.SYSTEM):
        return ConfirmationRefused

    def change() -> None:
        start = model.status
        if row.to is Target.BEFORE:
            model.status = model.before
        elif row.to is not Target.SAME:
            model.status = row.to.value
        model.version += 1
        model.cycle += Trigger.NEW_CYCLE in row.triggers
        if command.action in (Action.ASSIGN, Action.ESCALATE) and command.words:
            team = f"team{command.other}"
            model.assignee = "张敏" if command.named else model.assignee * (team == model.team)
            model.team = team
        elif command.action in (Action.ASSIGN, Action.ESCALATE) and command.named:
            model.assignee = "张敏"
        if command.action in (Action.START, Action.SOLVE_IN_CALL) and role is not Role.SYSTEM:
            model.assignee = model.assignee or role.value
        if command.action is Action.MERGE:
            model.before = start
        model.closed_by = (
            "overridden" if command.action is Action.OVERRIDE else
            "solved" if model.status == "closed" else
            ""
        )  # fmt: skip
        model.life.append(str(command.action))

    return change


def _there(need: Need, model: Model, command: Command) -> bool:
    match need:
        case Need.PLACE:
            return command.words or command.named
        case Need.ASSIGNEE:
            takes_it = command.action in (Action.START, Action.SOLVE_IN_CALL)
            return bool(model.assignee) or (takes_it and command.role is not Role.SYSTEM)
        case Need.NEVER_REOPENED:
            return model.cycle == 1
        case Need.CONFIRMATION | Need.SURVIVOR:
            return True
        case _:
            return command.words


def do(db: Connection, models: list[Model], command: Command) -> None:
    model = models[command.which]
    stale = model.version - 1 if command.stale else model.version
    how: dict[str, Any] = {"by": By(command.role.value, command.role), "expected_version": stale}
    words = "因为" if command.words else " "
    place = {
        "team": f"team{command.other}" if command.words else None,
        "assignee": "张敏" if command.named else None,
    }
    match command.action:
        case Action.ASSIGN:
            steps.assign(db, model.id, NOW, **how, **place)
        case Action.START:
            steps.start(db, model.id, NOW, **how)
        case Action.WAIT:
            steps.wait(db, model.id, words, NOW, **how)
        case Action.ESCALATE:
            steps.escalate(db, model.id, words, NOW, **how, **place)
        case Action.RESOLVE:
            closing.resolve(db, model.id, words, NOW, **how)
        case Action.CONFIRM:
            closing.confirm(db, model.id, _given(model, command), NOW, **how)
        case Action.OVERRIDE:
            closing.override(db, model.id, "王莉", words, NOW, **how)
        case Action.SOLVE_IN_CALL:
            closing.solve_in_call(db, model.id, words, _given(model, command), NOW, **how)
        case Action.REOPEN:
            closing.reopen(db, model.id, words, NOW, **how)
        case Action.VOID:
            voiding.void(db, model.id, "test" if command.words else "lazy", NOW, **how)
        case Action.MERGE:
            merging.merge(db, model.id, models[command.other].id, NOW, **how)
        case Action.UNMERGE:
            merging.unmerge(db, model.id, words, NOW, **how)
        case _:
            raise AssertionError(command)


def _given(model: Model, command: Command) -> Given:
    match command.source:
        case Source.TALK:
            return Given(Source.TALK, Identity.ASKED, call_id=model.call_id)
        case Source.KEY:
            return Given(Source.KEY, Identity.TICKET_NUMBER, call_id=model.call_id)
        case Source.SMS:
            return Given(Source.SMS, Identity.SENDER, evidence="好了")
        case _:
            return Given(Source.LINK, Identity.TOKEN, evidence="link-1")


def check(db: Connection, models: list[Model]) -> None:
    for model in models:
        ticket = tickets.get(db, model.id)
        assert ticket is not None
        seen = (ticket.status, ticket.version, ticket.cycle, ticket.team, ticket.assignee)
        assert seen == (model.status, model.version, model.cycle, model.team, model.assignee)
        answers = tickets.confirmations.of_ticket(db, model.id)
        if ticket.status == "closed":
            [answer] = [each for each in answers if each.id == ticket.confirmation_id]
            assert (answer.answer, answer.cycle) == (model.closed_by, ticket.cycle)
            assert answer.answer == "solved" or (answer.supervisor and answer.reason)
        else:
            assert ticket.confirmation_id is None
            assert ticket.closed_at is None
        counted = {"closed": Standing.SOLVED, "void": Standing.NONE, "merged": Standing.NONE}
        assert standing(ticket.status) is counted.get(ticket.status, Standing.UNSOLVED)
        told = tickets.history.of_ticket(db, model.id)
        assert [step.action for step in told[1:]] == model.life
        assert told[-1].status is Status(ticket.status), "the timeline tells the same"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a life of 25 steps shrinks too slowly
)
@given(data=st.data())
async def test_no_order_of_steps_closes_a_ticket_without_the_customer_or_a_named_supervisor(
    db: Database, data: st.DataObject
) -> None:
    models = []
    for _ in range(TICKETS):
        call_id = f"life{next(_numbers)}"
        models.append(Model((await db.write(opened, call_id)).id, call_id))
    for _ in range(STEPS):
        command = data.draw(commands(models))
        if command.action == "note":
            await db.write(notes.add, models[command.which].id, "内部", NOW, by=AGENT)
            continue
        wanted = expected(models, command)
        if isinstance(wanted, type):
            with pytest.raises(wanted):
                await db.write(do, models, command)
        else:
            await db.write(do, models, command)
            wanted()
    await db.read(check, models)
    assert (await db.read(timeline.verify)).intact
