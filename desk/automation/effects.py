"""What each kind of action does. An effect returns in one line what it did; it raises where that is
not possible, and then it did nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from desk import messages, tasks
from desk.automation import arguments as take
from desk.automation.doing import Doing, NothingToDo
from desk.automation.ruleset import ACTIONS
from desk.customers import find_by_number
from desk.messages import Asks, Channel, State
from desk.notices import NewNotice, notify
from desk.numbering import ticket_number
from desk.routing.levels import set_level
from desk.teamwork.noting import NewNote
from desk.teamwork.noting import write as write_note
from desk.teamwork.people import roster
from desk.teamwork.watching import Cause, watch
from desk.tickets import closing, editing, links, notes, open_cases, steps
from desk.tickets.states import Status
from desk.timeline import append

Effect = Callable[[Connection, Doing, Any], str]


def assign(db: Connection, doing: Doing, given: take.Assign) -> str:
    """Put somebody in charge."""
    team, assignee = doing.place(db, given.team), doing.place(db, given.assignee)
    ticket = doing.ticket(db)
    if (team in (None, ticket.team)) and (assignee in (None, ticket.assignee)):
        raise NothingToDo(f"ticket {ticket.number} is there already")
    changed = steps.assign(
        db, doing.ticket_id, doing.now, by=doing.by, expected_version=None, team=team,
        assignee=assignee,
    )  # fmt: skip
    return f"{changed.team or '-'} / {changed.assignee or '-'}"


def escalate(db: Connection, doing: Doing, given: take.Escalate) -> str:
    """To somebody who can do more."""
    reason = doing.words(db, given.reason)
    changed = steps.escalate(
        db, doing.ticket_id, reason, doing.now, by=doing.by, expected_version=None,
        team=doing.place(db, given.team), assignee=doing.place(db, given.assignee),
    )  # fmt: skip
    return f"{changed.status}: {reason}"


def level(db: Connection, doing: Doing, given: take.SetLevel) -> str:
    """A graver level."""
    before = doing.ticket(db)
    changed = set_level(
        db, doing.ticket_id, given.level, doing.now, reason=doing.words(db, given.reason),
        by=doing.by,
    )  # fmt: skip
    if changed.level == before.level:
        raise NothingToDo(f"ticket {before.number} has level {before.level} already")
    return f"{before.level} → {changed.level}"


def tell(db: Connection, doing: Doing, given: take.Notify) -> str:
    """Notices."""
    text = doing.words(db, given.text)
    to = list(dict.fromkeys(doing.person(db, each) for each in given.to))
    for each in to:
        new = NewNotice(each, "rule", text, doing.key, doing.ticket_id, doing.by.actor)
        notify(db, new, doing.now)
    return ", ".join(to)


def mention(db: Connection, doing: Doing, given: take.Mention) -> str:
    """A note that speaks to people."""
    who = list(dict.fromkeys(doing.person(db, each) for each in given.who))
    people = roster(db)
    named = people.named()
    spoken = [each for each in who if named.get(each.casefold()) == [each]]
    if not spoken:
        raise NothingToDo(
            f"nobody here is {', '.join(who)}; mention people or teams that there are"
        )
    text = doing.words(db, given.text).replace("@", "@@")
    words = f"{' '.join(f'@{each}' for each in spoken)} {text}"
    write_note(db, doing.ticket_id, NewNote(words), doing.now, by=doing.by, roster=people)
    return ", ".join(spoken)


def sms(db: Connection, doing: Doing, given: take.Sms) -> str:
    """An SMS."""
    return _message(db, doing, Channel.SMS, given, Asks(given.asks))


def email(db: Connection, doing: Doing, given: take.Email) -> str:
    """An e-mail."""
    return _message(db, doing, Channel.EMAIL, given, Asks.NOTHING)


def _message(
    db: Connection, doing: Doing, channel: Channel, given: take.Sms | take.Email, asks: Asks
) -> str:
    ticket = doing.ticket(db)
    if asks is Asks.CONFIRM and ticket.status != Status.RESOLVED:
        raise NothingToDo(f"ticket {ticket.number} is {ticket.status}: nothing is to be confirmed")
    number = messages.tell(
        db, doing.tools.templates, given.template, doing.ticket_id, doing.key, doing.now,
        channel=channel, to=given.to,
        fields={"text": doing.words(db, given.text)} if given.text else None,
        asks=asks, only_while=Status.RESOLVED.value if asks is Asks.CONFIRM else "",
    )  # fmt: skip
    written = messages.get(db, number) if number is not None else None
    if written is None:
        raise NothingToDo("it was written already")
    if written.state is State.DROPPED:
        raise NothingToDo(written.reason)
    return f"message {written.id}: {given.template}"


def survey(db: Connection, doing: Doing, _given: take.Survey) -> str:
    """A link by which the customer says how it was."""
    if doing.tools.survey(db, doing.ticket_id, doing.now) is None:
        raise NothingToDo("the customer is not to be asked now, or cannot be")
    return "asked"


def confirm(db: Connection, doing: Doing, _given: take.Confirm) -> str:
    """The question whether it is solved."""
    if doing.tools.confirm(db, doing.ticket_id, doing.now) is None:
        raise NothingToDo("there is nothing to confirm")
    return "asked"


def task(db: Connection, doing: Doing, given: take.Task) -> str:
    """A piece of work for somebody."""
    due_at = doing.now + given.due if given.due is not None else None
    to = doing.person(db, given.to)
    new = tasks.NewTask(doing.words(db, given.title), to, doing.key, due_at, doing.ticket_id)
    made = tasks.add(db, new, doing.now, actor=doing.by.actor)
    if made is None:
        raise NothingToDo("the task is there already")
    return f"task {made.id} for {to}"


def webhook(db: Connection, doing: Doing, given: take.Webhook) -> str:
    """An entry for whoever listens."""
    ticket = doing.ticket(db)
    entry = append(
        db,
        kind="rule.webhook",
        body={
            "number": ticket.number,
            "rule": doing.rule,
            "name": given.name,
            "data": {name: doing.words(db, text) for name, text in given.data.items()},
        },
        now=doing.now,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        actor=doing.by.actor,
    )
    return f"entry {entry.seq}: {given.name}"


def reopen(db: Connection, doing: Doing, given: take.Reopen) -> str:
    """It is not solved."""
    ticket = doing.ticket(db)
    if ticket.cycle >= given.most_cycles:
        raise NothingToDo(f"ticket {ticket.number} was reopened {ticket.cycle - 1} times already")
    changed = closing.reopen(
        db, doing.ticket_id, doing.words(db, given.reason), doing.now, by=doing.by,
        expected_version=None,
    )  # fmt: skip
    return f"cycle {changed.cycle}"


def link(db: Connection, doing: Doing, given: take.Link) -> str:
    """A relation with the newest other case of the same customer or number."""
    ticket = doing.ticket(db)
    number = ticket.caller.e164
    if given.to == "same_customer":
        whose, number = [ticket.customer_id] if ticket.customer_id is not None else [], ""
    else:
        whose = [customer.id for customer in find_by_number(db, number)]
    cases = open_cases.open_of(db, whose, number, doing.now)
    found = (cases.to_confirm, cases.to_tell, *cases.others, cases.lately_closed)
    other = max((each.id for each in found if each is not None and each.id != ticket.id), default=0)
    if not other:
        raise NothingToDo("there is no other case")
    links.add(db, ticket.id, other, given.kind, doing.now, by=doing.by)
    return f"{given.kind} {ticket_number(other)}"


def note(db: Connection, doing: Doing, given: take.Note) -> str:
    """A note."""
    text = doing.words(db, given.text)
    written = notes.add(db, doing.ticket_id, text, doing.now, by=doing.by, public=given.public)
    return f"note {written.id}"


def label(db: Connection, doing: Doing, given: take.Label) -> str:
    """Labels on and off."""
    ticket = doing.ticket(db)
    wanted = [each for each in ticket.labels if each not in given.remove]
    wanted += [each for each in given.add if each not in wanted]
    changed = editing.edit(
        db, ticket.id, doing.now, by=doing.by, expected_version=None, labels=wanted
    )
    if changed.version == ticket.version:
        raise NothingToDo(f"ticket {ticket.number} has these labels already")
    return ", ".join(changed.labels) or "-"


def watching(db: Connection, doing: Doing, given: take.Watch) -> str:
    """Watchers."""
    who = [doing.person(db, each) for each in given.who]
    new = [
        each
        for each in who
        if watch(db, doing.ticket_id, each, doing.now, by=doing.by, cause=Cause.RULE)
    ]
    if not new:
        raise NothingToDo(f"{', '.join(who)} watches already")
    return ", ".join(new)


EFFECTS: Mapping[str, Effect] = {
    "assign": assign,
    "escalate": escalate,
    "set_level": level,
    "notify": tell,
    "mention": mention,
    "sms": sms,
    "email": email,
    "survey": survey,
    "confirm": confirm,
    "task": task,
    "webhook": webhook,
    "reopen": reopen,
    "link": link,
    "note": note,
    "label": label,
    "watch": watching,
}
assert set(EFFECTS) == set(ACTIONS)  # noqa: S101 - one for each kind that can be written
