"""Clocks against a walk minute by minute: a wrong one escalates a case that is in time, or lets a
promise to a customer lapse unseen."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.sla.book import Book, BookData, CalendarData, Editions
from desk.sla.clock import Clock, clocks, elapsed_at
from desk.sla.history import Facts, HandOver, History
from desk.sla.settings import HoursSettings, PolicySettings, TargetSettings
from tests.desk.sla import oracle

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 60
TARGETS = ["first_response", "resolution", "hand_over"]
ZONES = ["Asia/Shanghai", "Asia/Shanghai", "Europe/Berlin", "America/New_York",
         "Australia/Lord_Howe", "Asia/Kathmandu"]  # fmt: skip
NAMES = ["default", "tianjin", "night"]


def moment(minute: int) -> datetime:
    return EPOCH + timedelta(minutes=minute)


def minute_of(at: datetime | None) -> int | None:
    return None if at is None else int((at - EPOCH).total_seconds()) // 60


def written(spans: list[tuple[int, int]]) -> list[str]:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    return [f"{clock(s)}-{'24:00' if e == 1440 else clock(e % 1440)}" for s, e in spans]


def day_hours() -> st.SearchStrategy[list[tuple[int, int]]]:
    span = st.tuples(st.integers(0, 1439), st.integers(1, 1439)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    )
    return st.one_of(
        st.just([(540, 1080)]), st.just([(480, 720), (780, 1020)]), st.lists(span, max_size=2)
    )


@st.composite
def teams_(draw: st.DrawFn) -> dict[str, oracle.Team]:
    found = {}
    for name in NAMES:
        dates = draw(
            st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 12, 31)), day_hours(), max_size=2)
        )
        found[name] = oracle.Team(
            draw(st.sampled_from(ZONES)), draw(day_hours()), draw(day_hours()), dates
        )
    return found


def calendar_of(team: oracle.Team) -> CalendarData:
    return CalendarData(
        timezone=team.zone,
        hours=HoursSettings(
            workday=written(list(team.workday)),
            restday=written(list(team.restday)),
            dates={day: written(list(spans)) for day, spans in team.dates.items()},
        ),
    )


Asked = tuple[int, str, int | None, bool, int | None]
STATES = [*oracle.ACTIVE, *oracle.WAITING, *oracle.WAITING, *oracle.DONE, "resolved", "reopened"]


@st.composite
def cases(draw: st.DrawFn) -> oracle.Case:
    opened = YEAR + draw(st.integers(0, 365 * 1440 - 1))
    gaps = draw(st.lists(st.integers(1, 700), max_size=7))
    minutes = [opened]
    for gap in gaps:
        minutes.append(minutes[-1] + gap)
    states = [draw(st.sampled_from(sorted(STATES))) for _ in gaps]
    if states and draw(st.integers(0, 5)) == 0:
        states[-1] = draw(st.sampled_from(sorted(oracle.NEITHER)))
    last = minutes[-1] + 400

    def some(most: int) -> list[int]:
        anywhere = st.one_of(st.integers(opened, last), st.sampled_from(minutes))
        return sorted(draw(st.lists(anywhere, max_size=most)))

    names = st.sampled_from(["tianjin", "night", "elsewhere", ""])
    return oracle.Case(
        states=list(zip(minutes, ["accepted", *states], strict=True)),
        teams=[(at, draw(names)) for at in some(4)],
        asked=hand_overs(draw, some(4)),
        contacts=sorted([*draw(st.lists(st.integers(opened - 30, opened), max_size=1)), *some(2)])
        if draw(st.booleans())
        else [],
    )


def hand_overs(draw: st.DrawFn, times: list[int]) -> list[Asked]:
    """One after the other: each ends before the next one begins."""
    names = st.sampled_from(["tianjin", "night", "elsewhere"])
    terms = st.one_of(st.none(), st.integers(1, 20).map(lambda count: count * 20))
    found: list[Asked] = []
    for asked, ended in zip(times[::2], times[1::2], strict=False):
        found.append((asked, draw(names), ended, draw(st.booleans()), draw(terms)))
    if len(times) % 2:
        found.append((times[-1], draw(names), None, False, draw(terms)))
    return found


@st.composite
def wanted_(draw: st.DrawFn) -> oracle.Wanted:
    due = draw(st.integers(1, 40)) * 20
    steps = {"agent": due * 15 // 20, "lead": due, "supervisor": due + draw(st.integers(1, 300))}
    return oracle.Wanted(draw(st.booleans()), due, due * draw(st.integers(1, 20)) // 20, steps)


def target_of(wanted: oracle.Wanted) -> TargetSettings:
    after = wanted.steps["supervisor"] - wanted.due
    return TargetSettings.model_validate(
        {
            "due_minutes": wanted.due,
            "clock": "working" if wanted.working else "wall",
            "amber": wanted.amber / wanted.due,
            "steps": [
                {"to": "agent", "share": 0.75},
                {"to": "lead", "share": 1},
                {"to": "supervisor", "after_minutes": after},
            ],
        }
    )


def history_of(case: oracle.Case) -> History:
    return History(
        states=tuple((moment(at), state) for at, state in case.states),
        teams=tuple((moment(at), team) for at, team in case.teams),
        hand_overs=tuple(
            HandOver(
                moment(at),
                team,
                None if ended is None else moment(ended),
                taken,
                None if term is None else timedelta(minutes=term),
            )
            for at, team, ended, taken, term in case.asked
        ),
        contacts=tuple(map(moment, case.contacts)),
        facts=((moment(case.states[0][0]), Facts()),),
    )


def reckon(
    history: History, targets: dict[str, TargetSettings], teams: dict[str, CalendarData]
) -> tuple[list[Clock], Book]:
    policy = PolicySettings.model_validate({"name": "all", "targets": targets})
    book = Book.of(BookData(policies=[policy], calendars=teams, known_through=2026), 1)
    return clocks(history, Editions(((history.opened, book),))), book


def told(clock: Clock, book: Book, now: datetime) -> dict[str, Any]:
    return {
        "start": minute_of(clock.started_at),
        "end": minute_of(clock.ended_at),
        "state": str(clock.state),
        "elapsed": elapsed_at(clock, book, now),
        "due_at": minute_of(clock.due_at),
        "amber_at": minute_of(clock.amber_at),
        "steps": {step: minute_of(at) for step, at in clock.steps},
    }


@given(cases(), teams_(), st.tuples(wanted_(), wanted_(), wanted_()))
@settings(max_examples=150, deadline=None)
def test_every_clock_says_what_a_walk_minute_by_minute_says(
    case: oracle.Case, teams: dict[str, oracle.Team], three: tuple[oracle.Wanted, ...]
) -> None:
    memory = {name: oracle.works_at(team) for name, team in teams.items()}

    def works(team: str, minute: int) -> bool:
        return memory.get(team, memory["default"])(minute)

    by_target = dict(zip(TARGETS, three, strict=True))
    found, book = reckon(
        history_of(case),
        {name: target_of(wanted) for name, wanted in by_target.items()},
        {name: calendar_of(team) for name, team in teams.items()},
    )
    ends = [at for asked, _, ended, _, _ in case.asked for at in (asked, ended or 0)]
    now = max(case.states[-1][0], *(at for at, _ in case.teams), *ends, *case.contacts, 0) + 1
    for name, wanted in by_target.items():
        expected = oracle.walk(case, name, wanted, works, now)
        mine = [clock for clock in found if clock.target == name]
        assert [clock.cycle for clock in mine] == list(range(1, len(mine) + 1))
        for clock, walked in zip(mine, expected, strict=True):
            seen = vars(walked) | {"elapsed": timedelta(minutes=walked.elapsed)}
            assert near(told(clock, book, moment(now)), now) == near(seen, now), name


def near(seen: dict[str, Any], now: int) -> dict[str, Any]:
    """Without what is further ahead than the walk looks."""

    def cut(at: int | None) -> int | None:
        return at if at is not None and at <= now + 50 * 1440 else None

    steps = {step: at for step, at in seen["steps"].items() if cut(at) is not None}
    return seen | {"due_at": cut(seen["due_at"]), "amber_at": cut(seen["amber_at"]), "steps": steps}
