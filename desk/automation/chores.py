"""What keeps automation going: a follower for events, a chore for timers, one that sets timers for
cases that waited already, and one that forgets old runs.
"""

from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection

from desk.automation import editions, runs, timers
from desk.automation.check import SUBJECTS
from desk.automation.following import fire, heeded, reaction
from desk.automation.settings import ZONE, AutomationSettings
from desk.automation.tools import Tools
from desk.chores import DUE, Chore, follower

PREFIXES = tuple(f"{subject}." for subject in sorted(SUBJECTS))


def automation_chores(
    tools: Tools, settings: AutomationSettings, zone: tzinfo = ZONE
) -> list[Chore]:
    """The chores of automation. Before the first rule set that anybody activates, the one that
    comes along is put in force."""
    keep = timedelta(days=settings.keep_days)

    def begin(db: Connection, now: datetime, _limit: int) -> int:
        return int(editions.begin(db, tools.templates, now))

    def begins(db: Connection) -> datetime | None:
        return DUE if editions.latest(db) is None else None

    def forgets(db: Connection) -> datetime | None:
        at = runs.oldest(db)
        return at + keep if at is not None else None

    return [
        Chore("automation.begin", begin, begins),
        follower("automation", PREFIXES, reaction(tools, zone), heeds=heeded),
        Chore("automation.waiting", set_waiting, _to_set),
        Chore(
            "automation.timers", lambda db, now, n: fire(db, now, n, tools, zone), timers.next_due
        ),
        Chore("automation.forget", lambda db, now, n: runs.forget(db, now - keep, n), forgets),
    ]


def set_waiting(db: Connection, _now: datetime, limit: int) -> int:
    """Set timers for some of the cases that waited when the rule set came into force."""
    wanted = editions.to_set(db)
    if wanted is None:
        return 0
    done = editions.hold(db, wanted.edition)
    book = editions.in_force(db)
    if done is None or book is None or book.edition != wanted.edition:
        return 0
    last = timers.set_for_waiting(db, book, done, wanted.until, wanted.activated_at, limit)
    editions.set_up_to(db, wanted.edition, last)
    return 1


def _to_set(db: Connection) -> datetime | None:
    return DUE if editions.to_set(db) is not None else None
