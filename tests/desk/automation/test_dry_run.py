"""What a rule set would have done is known before it is put in force, and nothing is changed."""

from datetime import datetime, timedelta

from desk.automation.check import book_of
from desk.automation.dry_run import DryRun, Would
from desk.db.engine import Database
from desk.routing.levels import set_level
from tests.desk.automation.cases import HOUSE, START, TEMPLATES, Desk, opened, rules

OVERDUE = "name: waits\nin_status: waiting_customer\nafter: 24h\ndo:\n  - sms: {template: waiting}"


async def played(
    desk: Desk, *texts: str, since: datetime = START, days: float = 30
) -> list[tuple[str, timedelta]]:
    book = book_of(rules(*texts), HOUSE, TEMPLATES)
    play = DryRun(book, since, START + timedelta(days=days))
    while not play.over:
        await desk.db.read(play.step, 3)
    return [(one.rule, one.at - START) for one in play.found]


async def lived(db: Database) -> Desk:
    """A case that waited twice: for ten hours, and for two days."""
    desk = Desk(db)
    await desk.begin()
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.step("start")
    await desk.step("wait", "照片")
    desk.clock.on(hours=10)
    await desk.step("start")
    await desk.do(lambda c, now: set_level(c, 1, 1, now, reason="媒体") and None)
    await desk.step("wait", "再等")
    desk.clock.on(days=2)
    await desk.step("start")
    await desk.step("resolve", "换件")
    return desk


async def test_timers_and_events_of_the_past_are_played(db: Database) -> None:
    desk = await lived(db)
    found = await played(
        desk, OVERDUE, "name: done\non: [ticket.resolved]\ndo:\n  - note: {text: x}"
    )
    assert found == [("waits", timedelta(hours=34)), ("done", timedelta(hours=58))]


async def test_conditions_are_asked_as_the_case_was_then(db: Database) -> None:
    desk = await lived(db)
    again = "name: {0}\non: [ticket.waiting]\nwhen: ticket.level {1} 1\ndo:\n  - note: {{text: x}}"
    found = await played(desk, again.format("before", "!="), again.format("after", "=="))
    assert found == [("before", timedelta()), ("after", timedelta(hours=10))]


async def test_only_what_came_since_is_told_and_what_was_before_is_known(db: Database) -> None:
    desk = await lived(db)
    since = START + timedelta(hours=20)
    rule = "name: r\non: [ticket.resolved]\nwhen: ticket.level == 1\ndo:\n  - note: {text: x}"
    assert await played(desk, rule, OVERDUE, since=since) == [("r", timedelta(hours=58))]


async def test_what_repeats_is_played_as_often_as_it_would_have_happened(db: Database) -> None:
    desk = await lived(db)
    rule = "name: r\nin_status: resolved\nevery: 1d\nmost: 3\ndo:\n  - confirm: {}"
    assert [at.days for _, at in await played(desk, rule)] == [3, 4, 5]
    assert len(await played(desk, rule, days=4)) == 1


async def test_a_dry_run_changes_nothing(db: Database) -> None:
    desk = await lived(db)
    before = await desk.rows("SELECT count(*), max(seq) FROM timeline")
    play = DryRun(book_of(rules(OVERDUE), HOUSE, TEMPLATES), START, START + timedelta(days=9))
    await db.read(play.step)
    assert play.over
    assert play.looked_at > 5
    assert play.found == [
        Would(
            START + timedelta(hours=34), "waits", "timer", play.found[0].seq, 1, ("sms",),
            play.found[0].clauses,
        )
    ]  # fmt: skip
    assert play.found[0].number == "100014"
    assert await desk.rows("SELECT count(*), max(seq) FROM timeline") == before
    assert await desk.runs() == []
    assert await desk.rows("SELECT * FROM automation_timers") == []


async def test_a_dry_run_says_what_then_really_happens(db: Database) -> None:
    """The same life twice: once lived with the rules in force, once played afterwards."""
    rule = "name: w\non: [ticket.waiting]\nwhen: ticket.level == 0\ndo:\n  - webhook: {name: w}"
    desk = Desk(db)
    await desk.begin(rule, OVERDUE)
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.step("start")
    await desk.step("wait", "照片")
    for _ in range(30):
        desk.clock.on(hours=1)
        await desk.work()
    await desk.step("start")
    ran = [(run.rule, run.at - START) for run in await desk.runs()]
    assert await played(desk, rule, OVERDUE) == ran
