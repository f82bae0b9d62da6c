"""The machine under the line: Python, rights, disk, open files, clock, time zone."""

import ctypes
import importlib
import os
import resource
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ari_app.doctor.finding import Finding, fail, ok, warn
from ari_app.settings import CompanySettings

FULL_BYTES = 200 << 20
LOW_BYTES = 1 << 30
LOW_INODES = 1000
LOW_DAYS = 3
FILES_PER_CALL = 6
FILES_BASE = 300
COMPILED = ("uvloop", "orjson", "vosk", "numpy")
CLOCK_SLACK = timedelta(seconds=60)
BUILT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""No clock that is right shows an earlier time than this."""
CHINA = timedelta(hours=8)
_UNSYNCHRONISED = 0x40  # STA_UNSYNC of <sys/timex.h>


def python(needed: Sequence[str] = COMPILED) -> Iterator[Finding]:
    """Is this a Python that we run on, and do the compiled libraries load on this machine?"""
    version = ".".join(map(str, sys.version_info[:3]))
    missing = []
    for name in needed:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            missing.append(f"{name} ({error})")
    if missing:
        yield fail(
            "python",
            f"无法加载 / cannot be loaded: {', '.join(missing)}",
            "重新安装 / run scripts/setup again, after deleting .venv",
        )
    else:
        yield ok("python", f"{version}, {', '.join(needed)}")


def rights() -> Iterator[Finding]:
    """Would the line have more rights than it needs?"""
    if os.geteuid() == 0:
        yield warn(
            "root",
            "以 root 运行,漏洞会交出整台机器 / running as root: any flaw hands over the machine",
            "改用普通用户,无需 1024 以下端口 / use an ordinary user; no low port is needed",
        )
    else:
        yield ok("root", "普通用户 / an ordinary user")


def state(folder: Path) -> Iterator[Finding]:
    """Can the line keep its state there, and for how long is there room?"""
    present = folder
    while not present.exists() and present != present.parent:
        present = present.parent
    if not present.is_dir() or not os.access(present, os.W_OK | os.X_OK):
        yield fail(
            "state",
            f"{present} 不可写 / is not a folder that we can write",
            "修正所有者和权限,或在 config.yaml 改 state_dir / mend its owner and rights, or change "
            "state_dir in config.yaml",
        )
        return
    made = "" if present == folder else " (首次启动时建立 / made at the first start)"
    yield ok("state", f"{folder}{made}")
    yield room(present)


def room(folder: Path) -> Finding:
    """For how long is there room on the disk of `folder`?"""
    free = shutil.disk_usage(folder).free
    counts = os.statvfs(folder)
    mend = f"在 {folder} 腾出空间,先看 recordings / make room in {folder}, recordings first"
    amount = f"剩余 {free / 1e9:.1f} GB / free"
    if free < FULL_BYTES:
        return fail("disk", f"{amount}:录音和工单将丢失 / recordings and tickets will fail", mend)
    if counts.f_files and counts.f_favail < LOW_INODES:
        return fail("disk", f"只剩 {counts.f_favail} 个 inode / no room for new files", mend)
    if free < LOW_BYTES:
        return warn("disk", amount, mend)
    return ok("disk", amount)


def days(folder: Path, daily_bytes: float) -> Iterator[Finding]:
    """For how many days' recordings is there room? Nothing is said before there are any."""
    if daily_bytes <= 0 or not folder.is_dir():
        return
    left = shutil.disk_usage(folder).free / daily_bytes
    shown = (
        f"每天录音约 {daily_bytes / 1e9:.2f} GB,还够 {left:.0f} 天 / a day's recordings take about "
        f"that; room for {left:.0f} days"
    )
    if left < LOW_DAYS:
        yield warn(
            "disk",
            shown,
            "扩容,或缩短 recording.retention_days / get a larger disk, or shorten "
            "recording.retention_days",
        )
    else:
        yield ok("disk", shown)


def open_files(most_calls: int) -> Iterator[Finding]:
    """May processes open as many files as the configured number of calls takes?"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = FILES_BASE + FILES_PER_CALL * most_calls
    if hard != resource.RLIM_INFINITY and hard < needed:
        yield warn(
            "files",
            f"上限 {hard},{most_calls} 路通话约需 {needed} / the limit is {hard}; {most_calls} "
            f"calls take about {needed}",
            "提高 LimitNOFILE 或减小 pbx.most_calls / raise LimitNOFILE (ulimit -Hn), or lower "
            "pbx.most_calls",
        )
    else:
        yield ok("files", f"{most_calls} 路通话够用 / enough for {most_calls} calls")


def clock(now: datetime, newest: datetime | None, synchronised: bool | None) -> Iterator[Finding]:
    """Can the clock be right?

    Args:
        newest: time of the timeline's last entry, if there is one.
        synchronised: what the kernel says; None where it does not tell.
    """
    mend = "校时 / set it: timedatectl set-ntp true, or install chrony"
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < BUILT:
        yield fail("clock", f"{shown},早于本软件 / before this software was made", mend)
    elif newest is not None and now < newest - CLOCK_SLACK:
        yield fail(
            "clock",
            f"{shown},早于最后一条记录 {newest:%Y-%m-%d %H:%M:%S} / earlier than the timeline's "
            "last entry: the clock went back",
            mend,
        )
    elif synchronised is False:
        yield warn("clock", f"{shown},内核未同步 / the kernel is not synchronised", mend)
    else:
        known = "已同步 / synchronised" if synchronised else "同步状态未知 / sync state not told"
        yield ok("clock", f"{shown},{known}")


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)) on 64-bit Linux; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def kernel_synchronised() -> bool | None:
    """Whether somebody keeps the kernel's clock right (adjtimex(2)); None if it does not tell."""
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    answer = _Timex()
    if call(ctypes.byref(answer)) < 0:
        return None
    return not answer.status & _UNSYNCHRONISED


def zone(company: CompanySettings, now: datetime) -> Iterator[Finding]:
    """Are opening hours meant in the zone in which China's calendar is?"""
    local = now.astimezone(ZoneInfo(company.timezone))
    shown = f"{company.timezone} {local:%H:%M}"
    if local.utcoffset() != CHINA:
        yield warn(
            "timezone",
            f"{shown}:不是北京时间 / is not China's time, and opening hours are meant in it",
            "如非有意,改 config.yaml / unless meant, set company.timezone: Asia/Shanghai",
        )
    else:
        yield ok("timezone", shown)
