"""What the line draws on: prompts, speech model, region table, calendar, test callers."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from ari_app.doctor.finding import Finding, fail, ok, split, warn
from ari_app.ivr.settings import IvrSettings
from ari_app.prompts.cache import PromptCache, wanted
from ari_app.prompts.speak import TOOLS, PromptError, tools
from ari_app.settings import Settings
from asterisk_conf import checks
from asterisk_conf.settings import PbxSettings
from desk.calendar import CalendarFileError, missing_data, read_overrides
from desk.region import RegionTable, RegionTableError
from desk.region.table import updated_path
from stt.errors import SpeechError
from stt.model import check, describe
from stt.settings import SpeechSettings

OLD_TABLE_DAYS = 730
ANNOUNCED_MONTH = 11
"""The State Council has announced the next year's holidays by then."""
_YEAR_MONTH = re.compile(r"\((\d\d)(\d\d)\)\s*$")  # as in `phone 0.4.5 (2312)`: December 2023


def prompts(ivr: IvrSettings, pbx: PbxSettings, state_dir: Path) -> Iterator[Finding]:
    """Is every prompt spoken, or can it be? Are those there that the dialplan plays alone?"""
    cache, present = PromptCache((state_dir / "prompts").absolute()), tools()
    try:
        needed = list(wanted(ivr))
        missing = [one.name for one in needed if not cache.place(one, present).is_file()]
    except PromptError as error:
        yield fail("prompts", *split(error))
        return
    shown = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    if missing and present is None:
        yield fail(
            "prompts",
            f"缺 {len(missing)} 条且不能合成 / {len(missing)} are missing ({shown}) and cannot be "
            f"spoken: {' or '.join(TOOLS)} is not installed",
            f"安装 / install: apt-get install {' '.join(TOOLS)}",
        )
    elif missing:
        yield ok(
            "prompts",
            f"{len(missing)} 条将在下次启动时合成 / {len(missing)} are spoken at the next start",
        )
    else:
        yield ok("prompts", f"{len(needed)} 条齐备 / {len(needed)} are there")
    for finding in checks.sounds(pbx, state_dir):
        yield Finding("prompts", finding.level, finding.what, finding.mend)


def test_callers() -> Iterator[Finding]:
    """Can `huisheng demo` place a call?"""
    if shutil.which("sipp") is None:
        yield warn(
            "sipp",
            "没有 sipp,不能运行 huisheng demo / not installed: huisheng demo cannot place calls",
            "安装 / install: apt-get install sip-tester",
        )
    else:
        yield ok("sipp", "可用 / installed")


def speech(settings: SpeechSettings) -> Iterator[Finding]:
    """Which model hears callers, and does it understand people?"""
    model = describe(settings)
    try:
        check(model.path)
    except SpeechError as error:
        yield fail("speech", *split(error))
        return
    if model.bundled:
        zh, _, en = model.warning.partition(" / ")
        what, _, mend = en.partition("; ")
        zh_what, _, zh_mend = zh.partition(";")
        yield warn("speech", f"{zh_what} / {what}", f"{zh_mend} / {mend}" if zh_mend else mend)
    else:
        yield ok("speech", str(model.path))


def region(state_dir: Path, now: datetime) -> Iterator[Finding]:
    """How old is the table of mobile segments? New segments are sold every year."""
    mend = (
        "更新 / update it: huisheng region update FILE.csv (prefix,province,city,area_code,carrier)"
    )
    try:
        table = RegionTable.load(state_dir)
        newer = updated_path(state_dir)
        of = datetime.fromtimestamp(newer.stat().st_mtime, UTC) if newer.exists() else None
    except RegionTableError as error:
        yield fail("region", *split(error))
        return
    if of is None and (found := _YEAR_MONTH.search(table.source)):
        of = datetime(2000 + int(found[1]), int(found[2]), 1, tzinfo=UTC)
    shown = f"{len(table):,} 个号段 / segments, {table.source}"
    if of is not None and (now - of).days > OLD_TABLE_DAYS:
        yield warn("region", f"{shown},{of:%Y-%m} 的数据 / data of {of:%Y-%m}", mend)
    else:
        yield ok("region", shown)


def calendar(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Are the holidays of this year and, once they are announced, of the next known?"""
    file = settings.ivr.calendar_file
    try:
        overrides = read_overrides(file) if file is not None else {}
    except CalendarFileError as error:
        yield fail("calendar", *split(error))
        return
    today = now.astimezone(settings.company.tz).date()
    unknown = [
        year
        for year in (today.year, today.year + 1)
        if missing_data(date(year, 1, 1), overrides) is not None
    ]
    if today.month < ANNOUNCED_MONTH and today.year + 1 in unknown:
        unknown.remove(today.year + 1)
    if unknown:
        years = ", ".join(map(str, unknown))
        yield warn(
            "calendar",
            f"{years} 年没有放假调休数据,周一至周五算工作日 / no holidays are known for {years}: "
            "Monday to Friday count as working days",
            "升级 chinesecalendar,或在 ivr.calendar_file 里列出 / update the package "
            "chinesecalendar, or list the days in ivr.calendar_file",
        )
    else:
        yield ok("calendar", f"{today.year} 年的放假安排已知 / holidays of {today.year} are known")
