"""The desk's database: does it open, is it sound, and what does it say of the rest?"""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, bindparam, func, select

from ari_app.doctor.deadline import aside
from ari_app.doctor.finding import Finding, fail, ok, split, warn
from ari_app.doctor.in_force import in_force
from ari_app.settings import Settings
from crm_bridge.overview import TargetOverview, overview
from desk import timeline
from desk.db import migrate
from desk.db.engine import Database
from desk.db.schema import REVISION, recordings
from desk.db.sqlite import sqlite_path
from desk.errors import DatabaseBusy, DeskError

WAIT_SECONDS = 3.0
QUICK_CHECK_SECONDS = 4.0
TAIL = 1000
WEEK = timedelta(days=7)
_STEPS = 10_000  # of SQLite's machine between two looks at the watch

_RECORDED = select(
    func.min(recordings.c.recorded_at).label("first"),
    func.coalesce(func.sum(recordings.c.bytes), 0).label("bytes"),
).where(recordings.c.deleted_at.is_(None), recordings.c.recorded_at >= bindparam("since"))


@dataclass
class Looked:
    """Findings, and what others need: the last entry's time, how each target stands, what a day's
    recordings take (the mean of the last week)."""

    findings: list[Finding] = field(default_factory=list)
    newest: datetime | None = None
    targets: list[TargetOverview] = field(default_factory=list)
    daily_bytes: float = 0.0


async def look(settings: Settings, config: Path, now: datetime) -> Looked:
    """Look at the configured database. It is neither made nor migrated."""
    url, looked = settings.database_url, Looked()
    try:
        if url.startswith("sqlite:"):
            path = sqlite_path(url)
            if not await aside(path.exists, WAIT_SECONDS):
                looked.findings.append(
                    ok("database", f"{path}:首次启动时建立 / is made at the first start")
                )
                return looked
            sound = await aside(lambda: list(file_findings(path)), 2 * QUICK_CHECK_SECONDS)
            looked.findings += sound
            if any(finding.level == "fail" for finding in sound):
                return looked
        revision = await aside(
            lambda: migrate.current(url, wait_seconds=WAIT_SECONDS), 2 * WAIT_SECONDS
        )
        looked.findings.append(_revision(revision))
        if revision == REVISION:
            async with await Database.open(url, wait_seconds=WAIT_SECONDS) as db:
                await _contents(db, settings, now, looked)
                looked.findings += await db.read(in_force, settings, config, now)
    except DatabaseBusy as error:
        looked.findings.append(
            fail(
                "database",
                f"{WAIT_SECONDS:g} 秒内未能写入 / could not be written within {WAIT_SECONDS:g} s: "
                f"{split(error)[0]}",
                "结束占用它的程序 / end the program that holds it, or see the load of the server",
            )
        )
    except DeskError as error:
        what, mend = split(error)
        looked.findings.append(fail("database", f"无法使用 / cannot be used: {what}", mend))
    return looked


def file_findings(path: Path) -> Iterator[Finding]:
    """An SQLite file, read without changing it: is it whole, and is it in WAL mode?"""
    restore = (
        "停止线路,用备份恢复;或先试 sqlite3 .recover / stop the line and restore a backup, or try "
        f"`sqlite3 {path} .recover`"
    )
    give_up = time.monotonic() + QUICK_CHECK_SECONDS
    try:
        file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
    except sqlite3.Error as error:
        yield fail(
            "database", f"{path}: {error}", "修正文件权限 / mend the file's owner and rights"
        )
        return
    try:
        (mode,) = file.execute("PRAGMA journal_mode").fetchone()
        file.set_progress_handler(lambda: time.monotonic() > give_up, _STEPS)
        flaws = [row[0] for row in file.execute("PRAGMA quick_check(5)")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            yield ok("database", f"{path}:太大,未全查 / too large to be checked whole in time")
        else:
            yield fail("database", f"{path}: {error}", restore)
        return
    except sqlite3.DatabaseError as error:
        yield fail("database", f"{path} 已损坏 / is damaged: {error}", restore)
        return
    finally:
        file.close()
    if flaws != ["ok"]:
        yield fail("database", f"{path} 已损坏 / is damaged: {flaws[0]}", restore)
    elif mode != "wal":
        yield warn(
            "database",
            f"{path}:日志模式为 {mode} / the journal mode is {mode}, not WAL: readers block calls",
            "放到本机磁盘上,下次启动时改为 WAL / keep it on a local disk; the next start sets WAL",
        )
    else:
        yield ok("database", f"{path},完好 / sound, WAL")


def _revision(found: str | None) -> Finding:
    if found == REVISION:
        return ok("database", f"版本 / revision {found}")
    if found is not None and found > REVISION:
        return fail(
            "database",
            f"版本 {found} 比本程序的 {REVISION} 新 / revision {found} is newer than this program",
            "安装更新的版本,或恢复备份 / install the newer Huisheng, or restore a backup",
        )
    return warn(
        "database",
        f"版本 {found or '无'},需要 {REVISION} / revision {found or 'none'}, {REVISION} is needed",
        "运行 / run: huisheng db upgrade (下次启动时也会升级 / the next start does so too)",
    )


async def _contents(db: Database, settings: Settings, now: datetime, looked: Looked) -> None:
    verdict = await db.read(timeline.verify, newest=TAIL)
    if verdict.intact:
        shown = f"最后 {verdict.entries} 条完好 / the last {verdict.entries} entries are intact"
        looked.findings.append(ok("timeline", shown))
    else:
        flaw = verdict.flaws[0]
        looked.findings.append(
            fail(
                "timeline",
                f"第 {flaw.seq} 条有异 / entry {flaw.seq}: {flaw.what}",
                "查看全部 / see all of it: huisheng audit verify; compare with a backup",
            )
        )
    looked.newest = await db.read(_newest)
    looked.targets = await db.read(overview, settings.bridge, now)
    looked.daily_bytes = await db.read(_daily_bytes, now)
    await db.write(_nothing)


def _newest(db: Connection) -> datetime | None:
    entry = timeline.entry(db, timeline.last_seq(db))
    return entry.at if entry is not None else None


def _daily_bytes(db: Connection, now: datetime) -> float:
    """Bytes that a day's recordings take: of the last week, or since the first if that is less."""
    found = db.execute(_RECORDED, {"since": now - WEEK}).one()
    if found.first is None:
        return 0.0
    total: float = found.bytes
    days: float = max((now - found.first) / timedelta(days=1), 1.0)
    return total / days


def _nothing(_db: Connection) -> None:
    """A transaction that takes the write lock and leaves no trace."""
