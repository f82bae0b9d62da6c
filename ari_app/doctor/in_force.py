"""What is in force in the desk, whether the files say the same, and who hears of what is due."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ari_app.beginning import RULES, levels_of
from ari_app.doctor.finding import Finding, ok, split, warn
from ari_app.settings import Settings
from desk import routing
from desk.calendar import CalendarFileError
from desk.notices.addresses import ROLE
from desk.notices.listeners import Listener, heard_at, is_held, listeners
from desk.rollout import Switch
from desk.sla.editions import Edition, editions
from desk.sla.settings import Role

FROM_FILES = ("system", "operator")
"""Who puts in force what files say. What came by API is nobody's mistake."""
MOST_NAMED = 8


def in_force(db: Connection, settings: Settings, config: Path, now: datetime) -> list[Finding]:
    """Service levels, rules, and whoever is told."""
    found = editions(db, limit=1)
    latest = found[0] if found else None
    return [
        *_levels(settings, latest, now),
        *_rules(routing.latest(db), settings, config.with_name(RULES)),
        *_heard(settings, latest, listeners(db)),
    ]


def _levels(settings: Settings, latest: Edition | None, now: datetime) -> Iterator[Finding]:
    if latest is None:
        yield warn(
            "levels",
            "没有启用:什么都不会到期 / none are in force: nothing is ever due",
            "启动线路,或 huisheng sla apply / start the line, or put them in force",
        )
        return
    try:
        written = levels_of(settings).text()
    except CalendarFileError as error:
        yield warn("levels", *split(error))
        return
    edition = f"第 {latest.number} 版 / edition {latest.number}"
    unknown = latest.book.unknown(latest.book.today("", now))
    if latest.actor in FROM_FILES and written != latest.book.text():
        yield warn(
            "levels",
            f"{edition}:与 config.yaml 或已公布的节假日不同 / is not what config.yaml says, or "
            "knows fewer holidays",
            "huisheng sla effect,再 huisheng sla apply / see what applying it changes, then do so",
        )
    elif unknown:
        yield warn("levels", *split(unknown[0]))
    else:
        yield ok("levels", edition)


def _rules(latest: routing.Edition | None, settings: Settings, file: Path) -> Iterator[Finding]:
    if not settings.rollout.on(Switch.ROUTING_RULES):
        yield ok("rules", "未上线 / switched off: rollout.routing.rules")
        return
    if latest is None:
        yield warn(
            "rules",
            "没有启用:工单不会分配 / none are in force: tickets are given to nobody",
            f"huisheng rules validate {file},再 / then huisheng rules activate {file}",
        )
        return
    edition = f"第 {latest.edition} 版 / edition {latest.edition}"
    try:
        same = file.read_text(encoding="utf-8") == latest.content
    except (OSError, UnicodeDecodeError):
        same = True  # in force all the same; whoever gave it keeps it elsewhere
    if latest.actor in FROM_FILES and not same:
        yield warn(
            "rules",
            f"{edition}:与 {file.name} 不同 / is not what the file says",
            f"huisheng rules test {file},再 / then huisheng rules activate {file}",
        )
    else:
        yield ok("rules", edition)


def _heard(
    settings: Settings, latest: Edition | None, everybody: Sequence[Listener]
) -> Iterator[Finding]:
    """Does somebody read what each step of escalation tells?"""
    mend = "huisheng account create NAME --role ROLE --team TEAM"
    known = {name for one in everybody for name in one.names}
    deaf = [f"agent:{a.extension}" for a in settings.pbx.agents if a.extension not in known]
    steps = {to for to in _steps(latest) if to in (Role.LEAD, Role.SUPERVISOR)}
    nobody, upward = [], []
    for team in sorted({agent.team for agent in settings.pbx.agents}):
        for step in sorted(steps):
            meant = f"{ROLE}{step}@{team}"
            place = heard_at(meant, "", everybody)
            if not is_held(place, everybody):
                nobody.append(meant)
            elif place != meant and not is_held(meant, everybody):
                upward.append(f"{meant} → {place}")
    if nobody:
        yield warn("notices", f"升级时无人收到 / nobody hears of: {_some(nobody)}", mend)
    if upward:
        yield warn("notices", f"无人担任,转给上级 / nobody is: {_some(upward)}", mend)
    if deaf:
        yield warn("notices", f"没有账号,看不到通知 / no account to read with: {_some(deaf)}", mend)
    if not (nobody or upward or deaf):
        yield ok("notices", f"{len(everybody)} 人 / people; 每一级都有人 / somebody at every step")


def _steps(latest: Edition | None) -> Iterator[str]:
    for policy in latest.book.data.policies if latest is not None else ():
        for target in policy.targets.values():
            yield from (step.to for step in target.steps)


def _some(names: Sequence[str]) -> str:
    more = f" …({len(names)})" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
