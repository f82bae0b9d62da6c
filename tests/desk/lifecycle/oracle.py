"""What becomes of tickets, found by walking minute by minute. Imports nothing from the desk.

The table is written down a second time, from what the house agreed on (docs/lifecycle.md), not read
from the desk's. Slow and simple on purpose: every minute each ticket is asked where it stands, and
a hand-over grows older by one. Moments are whole minutes, counted from an epoch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

ACTIVE = {"accepted", "assigned", "in_progress", "escalated", "reopened"}
OPEN = ACTIVE | {"waiting_customer"}
GOES_ON = OPEN | {"resolved"}
HEADS = {"lead", "supervisor", "administrator"}
STAFF = HEADS | {"agent", "technician"}
EVERYBODY = STAFF | {"system"}
DESK = EVERYBODY - {"technician"}
TERM = 60  # minutes that a team has to take a ticket over, while there is work to do

# action: from → to | who | what must be there
_TABLE = """
assign:        accepted assigned in_progress reopened → assigned | desk | place
assign:        waiting_customer → waiting_customer | desk | place
assign:        escalated → escalated | desk | place
start:         accepted assigned reopened escalated → in_progress | staff | assignee
start:         waiting_customer → in_progress | everybody | assignee
wait:          in_progress escalated → waiting_customer | staff | assignee words
escalate:      accepted assigned in_progress escalated reopened → escalated | everybody | words
escalate:      waiting_customer → escalated | everybody | words
resolve:       in_progress waiting_customer escalated → resolved | staff | assignee words
confirm:       resolved → closed | everybody | answer
override:      resolved → closed | supervisor | words
solve_in_call: accepted assigned in_progress waiting_customer escalated reopened → closed | callers | assignee words answer
reopen:        resolved closed → reopened | desk | words
reopen:        void → reopened | heads | words
void:          accepted assigned in_progress waiting_customer escalated → void | desk | words fresh
merge:         accepted assigned in_progress waiting_customer escalated reopened resolved → merged | desk | -
unmerge:       merged → before | heads | words
"""  # noqa: E501 - a table
_WHO = {
    "desk": DESK,
    "staff": STAFF,
    "everybody": EVERYBODY,
    "heads": HEADS,
    "supervisor": {"supervisor"},
    "callers": STAFF - {"technician"},
}
HAND_OVERS = ("ask", "take", "refuse", "withdraw")
ADDITIONS = ("note", "public_note", "watch", "link", "task", "join", "attach")


@dataclass(frozen=True)
class Row:
    action: str
    sources: frozenset[str]
    to: str
    roles: frozenset[str]
    needs: frozenset[str]


def _rows() -> Iterator[Row]:
    for line in _TABLE.strip().splitlines():
        action, rest = line.split(":")
        ways, who, needs = (part.strip() for part in rest.split("|"))
        sources, to = (part.split() for part in ways.split("→"))
        yield Row(action, frozenset(sources), to[0], frozenset(_WHO[who]), frozenset(needs.split()))


ROWS = tuple(_rows())


@dataclass(frozen=True)
class Command:
    """What somebody tries.

    Attributes:
        which, other: tickets; `other` is also the team that is named.
        words: reason, solution, name, place, reason of 作废 are given.
        named: an assignee is given.
        source: how the customer answered: talk, key, sms, link.
        stale: whoever tries has seen an old version.
        drawn: the lot falls on this 作废.
    """

    action: str
    role: str
    which: int
    other: int
    words: bool = True
    named: bool = False
    source: str = "talk"
    stale: bool = False
    drawn: bool = False


@dataclass
class HandOver:
    to_team: str
    left: int = TERM
    state: str = "open"
    overdue_at: int | None = None


@dataclass
class Case:
    """A ticket. `stood`: its status in each minute since it was opened."""

    opened: int
    status: str = "accepted"
    version: int = 1
    cycle: int = 1
    priority: int = 0
    team: str = ""
    assignee: str = ""
    before: str = ""
    survivor: int | None = None
    check: str = ""
    resolved_at: int | None = None
    closed_at: int | None = None
    closed_by: str = ""
    answers: list[tuple[str, int]] = field(default_factory=list)
    hand_overs: list[HandOver] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    stood: list[str] = field(default_factory=list)

    @property
    def under_way(self) -> HandOver | None:
        return next((each for each in self.hand_overs if each.state == "open"), None)

    @property
    def counts_as(self) -> str:
        if self.status == "closed":
            return "solved"
        return "none" if self.status in ("void", "merged") else "unsolved"


def team(number: int) -> str:
    return f"team{number}"


class Walk:
    """Tickets that were opened in the same minute, and what is tried with them."""

    def __init__(self, cases: int, minute: int) -> None:
        self.minute = minute
        self.cases = [Case(minute) for _ in range(cases)]

    def pass_minutes(self, count: int) -> None:
        for _ in range(count):
            self.minute += 1
            for case in self.cases:
                case.stood.append(case.status)
                there = case.under_way
                if there is not None and case.status in ACTIVE:
                    there.left -= 1
                    if there.left == 0:
                        there.overdue_at = self.minute

    def fate(self, which: int) -> str:
        """The status of the ticket or, where it was merged, of the one that survived."""
        case = self.cases[which]
        return case.status if case.survivor is None else self.fate(case.survivor)

    def attempt(self, command: Command) -> str:
        """Somebody tries something. Returns why it is refused; `""`: it is done."""
        case = self.cases[command.which]
        if command.action in ADDITIONS:
            return ""
        why = self._why_not(case, command)
        if why:
            return why
        case.version += 1
        if command.action in HAND_OVERS:
            self._hand_over(case, command)
        elif command.action == "pass_void":
            case.check = "passed"
        else:
            self._step(case, command)
        return ""

    def _why_not(self, case: Case, command: Command) -> str:
        if command.action == "merge" and command.which == command.other:
            return "not linkable"
        if command.action == "refuse" and not command.words:
            return "hand-over refused"
        if command.stale:
            return "stale"
        if command.action == "merge" and self.cases[command.other].status not in GOES_ON:
            return "not linkable"
        match command.action:
            case "ask":
                goes = case.status in OPEN and command.words and not case.under_way
                return "" if goes and team(command.other) != case.team else "hand-over refused"
            case "take" | "refuse" | "withdraw" if case.under_way is None:
                return "no hand-over"
            case "refuse" | "withdraw":
                return ""
            case "take":
                return "" if command.role in DESK else "role"
            case "pass_void" if case.check != "wanted":
                return "not from here"
            case "pass_void":
                return "" if command.role in HEADS else "role"
        row = row_of(case.status, command.action)
        if row is None:
            return "not from here"
        if command.role not in row.roles:
            return "role"
        if not all(_there(need, case, command) for need in row.needs):
            return "incomplete"
        by_hand = command.source == "talk"
        if "answer" in row.needs and by_hand is (command.role == "system"):
            return "no confirmation"
        return ""

    def _hand_over(self, case: Case, command: Command) -> None:
        if command.action == "ask":
            case.hand_overs.append(HandOver(team(command.other)))
            return
        there = case.under_way
        assert there is not None
        there.state = {"take": "taken", "refuse": "refused", "withdraw": "withdrawn"}[
            command.action
        ]
        if command.action == "take":
            case.team, case.assignee = there.to_team, command.role
            row = row_of(case.status, "assign")
            assert row is not None
            case.status = row.to
            case.actions.append("assign")

    def _step(self, case: Case, command: Command) -> None:
        action, was = command.action, case.status
        row = row_of(was, action)
        assert row is not None
        case.status = case.before if row.to == "before" else row.to
        case.actions.append(action)
        moved = False
        if action in ("assign", "escalate"):
            if command.words:
                moved = case.team != team(command.other)
                case.team = team(command.other)
                case.assignee = "" if moved else case.assignee
            if command.named:
                case.assignee = "张敏"
        if action in ("start", "solve_in_call") and command.role != "system":
            case.assignee = case.assignee or command.role
        if action == "merge":
            case.before, case.survivor = was, command.other
        if action == "unmerge":
            case.survivor = None
        if action == "reopen":
            case.cycle += 1
            case.priority = min(100, case.priority + 20)
            case.check, case.resolved_at = "", None
        if action == "void":
            case.check = "wanted" if command.drawn else ""
        if action in ("resolve", "solve_in_call"):
            case.resolved_at = self.minute
        if case.status == "closed":
            case.closed_at = self.minute
            case.closed_by = "overridden" if action == "override" else "solved"
            case.answers.append((case.closed_by, case.cycle))
        else:
            case.closed_at, case.closed_by = None, ""
        if moved or action in ("resolve", "solve_in_call", "void", "merge"):
            there = case.under_way
            if there is not None:
                there.state = "withdrawn"


def row_of(status: str, action: str) -> Row | None:
    found = [row for row in ROWS if row.action == action and status in row.sources]
    assert len(found) < 2
    return found[0] if found else None


def leading_on(status: str) -> Sequence[Row]:
    return [row for row in ROWS if status in row.sources]


def _there(need: str, case: Case, command: Command) -> bool:
    match need:
        case "place":
            return command.words or command.named
        case "assignee":
            takes_it = command.action in ("start", "solve_in_call")
            return bool(case.assignee) or (takes_it and command.role != "system")
        case "fresh":
            return case.cycle == 1
        case "words":
            return command.words
        case _:
            return True
