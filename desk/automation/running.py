"""Running a rule: once for each cause, in the transaction of what it does, with a record of what
came of it, and with bounds that nothing goes round in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, func, or_, select, update

from desk.automation.book import Ready
from desk.automation.depth import ACTOR, key_of, written
from desk.automation.doing import SUPERVISORS, Doing, NothingToDo
from desk.automation.effects import EFFECTS
from desk.automation.runs import RunState
from desk.automation.tools import Limits, Tools
from desk.chores.failures import passing
from desk.db.insert import insert_unless_there
from desk.db.schema.automation import automation_runs as table
from desk.errors import DeskError
from desk.notices import NewNotice, notify
from desk.numbering import ticket_number
from desk.routing.condition import Clause
from desk.text import canonical, storable
from desk.tickets.change import By
from desk.tickets.states import Role
from desk.tickets.ticket import for_change
from desk.timeline import append, last_seq

MOST_WHY = 300

log = structlog.get_logger()

_INSERT = insert_unless_there(
    table,
    ("rule", "cause", "edition", "ticket_id", "kind", "depth", "state", "actions", "clauses",
     "after_seq", "last_seq", "at"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """What set a rule off.

    Attributes:
        name: of this very moment: `entry:17`, `timer:3:17:1`.
        kind: of the entry; `timer`.
        depth: 0, or one more than that of the run that brought it about.
        event: what the condition was asked with.
    """

    name: str
    kind: str
    ticket_id: int
    depth: int
    event: Mapping[str, Any]


def run(
    db: Connection,
    ready: Ready,
    edition: int,
    cause: Cause,
    clauses: Sequence[Clause],
    now: datetime,
    tools: Tools,
) -> RunState | None:
    """Do what a rule says, once for a cause; `rule.ran`, unless there was nothing to do. None: it
    was done before.

    An action that is not possible, or not needed, does nothing and is noted with the reason; those
    after it are still done. A rule that went as far as `tools.limits` stops: nothing is done,
    `rule.stopped`, and a notice to the supervisors once in an hour.
    """
    for_change(db, cause.ticket_id)
    why_not = _too_far(db, ready.name, cause, tools.limits, now)
    row = {
        "rule": ready.name,
        "cause": cause.name,
        "edition": edition,
        "ticket_id": cause.ticket_id,
        "kind": cause.kind,
        "depth": cause.depth,
        "state": (RunState.STOPPED if why_not else RunState.DONE).value,
        "actions": canonical(
            [{"do": "", "outcome": "stopped", "told": why_not}] if why_not else []
        ),
        "clauses": canonical([_clause(each) for each in clauses]),
        "after_seq": (last := last_seq(db)),
        "last_seq": last,
        "at": now,
    }
    if _INSERT.execute(db, row).rowcount == 0:
        return None
    if why_not:
        _stop(db, ready.name, cause, why_not, now)
        return RunState.STOPPED
    with written(db) as seqs:
        numbers = range(len(ready.rule.do))
        actions = [_act(db, ready, number, cause, now, tools, seqs) for number in numbers]
        state = RunState.FAILED if any(a["outcome"] == "failed" for a in actions) else RunState.DONE
        if any(each["outcome"] != "skipped" for each in actions):
            _tell(db, ready.name, edition, cause, state, actions, now)
    values: dict[str, Any] = {"state": state.value, "actions": canonical(actions)}
    if seqs:  # nobody else wrote between them: who has written holds the timeline's head
        values |= {"after_seq": seqs[0] - 1, "last_seq": seqs[-1]}
    mine = (table.c.rule == ready.name, table.c.cause == cause.name)
    db.execute(update(table).where(*mine).values(**values))
    log.info("a rule ran", rule=ready.name, cause=cause.name, ticket=row["ticket_id"], state=state)
    return state


def _tell(
    db: Connection,
    rule: str,
    edition: int,
    cause: Cause,
    state: RunState,
    actions: Sequence[Mapping[str, str]],
    now: datetime,
) -> None:
    """Tell the timeline what a rule did."""
    append(
        db,
        kind="rule.ran",
        body={
            "number": ticket_number(cause.ticket_id),
            "rule": rule,
            "edition": edition,
            "cause": cause.name,
            "state": state.value,
            "actions": [{"do": each["do"], "outcome": each["outcome"]} for each in actions],
        },
        now=now,
        ticket_id=cause.ticket_id,
        actor=f"{ACTOR}{rule}",
    )


def _act(
    db: Connection,
    ready: Ready,
    number: int,
    cause: Cause,
    now: datetime,
    tools: Tools,
    seqs: list[int],
) -> dict[str, str]:
    do = ready.rule.do[number]
    doing = Doing(
        ticket_id=cause.ticket_id,
        rule=ready.name,
        key=key_of(ready.name, cause.name, number),
        by=By(f"{ACTOR}{ready.name}", Role.SYSTEM),
        now=now,
        tools=tools,
        event=cause.event,
    )
    before = len(seqs)
    try:
        with db.begin_nested():
            told = EFFECTS[do.action](db, doing, do.arguments)
    except NothingToDo as error:
        del seqs[before:]
        return {"do": do.action, "outcome": "skipped", "told": storable(str(error), MOST_WHY)}
    except (DeskError, ValueError) as error:
        if passing(db, error):
            raise
        del seqs[before:]
        return {"do": do.action, "outcome": "failed", "told": storable(str(error), MOST_WHY)}
    except Exception as error:
        if passing(db, error):
            raise
        del seqs[before:]
        log.exception("an action broke", rule=ready.name, action=do.action, cause=cause.name)
        told = storable(f"{type(error).__name__}: {error}", MOST_WHY)
        return {"do": do.action, "outcome": "failed", "told": told}
    return {"do": do.action, "outcome": "done", "told": storable(told, MOST_WHY)}


def _too_far(db: Connection, rule: str, cause: Cause, limits: Limits, now: datetime) -> str:
    """Why a rule is not to run any more now; `""`: it may."""
    if cause.depth >= limits.depth:
        return f"rules set each other off {cause.depth} times in a row; see what they do"
    lately = (
        select(func.count())
        .select_from(table)
        .where(
            table.c.ticket_id == cause.ticket_id,
            table.c.at > now - limits.window,
            table.c.state != RunState.STOPPED.value,
            or_(table.c.rule != rule, table.c.cause != cause.name),
        )
    )
    if db.execute(lately.where(table.c.rule == rule)).scalar_one() >= limits.per_rule:
        return f"it ran {limits.per_rule} times within an hour on this case"
    if db.execute(lately).scalar_one() >= limits.per_ticket:
        return f"rules ran {limits.per_ticket} times within an hour on this case"
    return ""


def _stop(db: Connection, rule: str, cause: Cause, why: str, now: datetime) -> None:
    number = ticket_number(cause.ticket_id)
    log.error("a rule was stopped", rule=rule, ticket=number, cause=cause.name, why=why,
              mend="`huisheng automation runs` shows what it did; mend the rule set")  # fmt: skip
    text = f"自动规则 {rule} 在工单 {number} 上被停止 · a rule was stopped: {why}"
    key = f"automation-stopped:{cause.ticket_id}:{rule}:{now:%Y%m%d%H}"
    new = NewNotice(SUPERVISORS, "rule", text, key, cause.ticket_id, f"{ACTOR}{rule}")
    if notify(db, new, now) is not None:
        append(
            db,
            kind="rule.stopped",
            body={"number": number, "rule": rule, "cause": cause.name, "reason": why},
            now=now,
            ticket_id=cause.ticket_id,
            actor=f"{ACTOR}{rule}",
        )


def _clause(clause: Clause) -> dict[str, Any]:
    return {"text": clause.text, "mentioned": clause.mentioned}
