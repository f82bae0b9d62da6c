"""What keeps calls from being lost: the spool of our records, and the notes that Asterisk makes."""

import os
from collections.abc import Iterator
from pathlib import Path

from ari_app.calls.journal.spool import BYTES, Spool
from ari_app.doctor.finding import Finding, fail, ok, warn
from asterisk_conf.settings import PbxSettings

NOTES, MESSAGES = "calls.csv", "messages"
RIGHTS = os.R_OK | os.W_OK | os.X_OK


def spool(state_dir: Path, line_runs: bool) -> Iterator[Finding]:
    """Is there a place for records while the database is away, and does anything wait in it?"""
    path = state_dir / "spool" / "journal"
    if line_runs:
        yield ok("spool", f"{path},线路使用中 / in use by the line")
        return
    if not path.exists():
        yield ok("spool", f"{path}:首次启动时建立 / is made at the first start")
        return
    try:
        waiting, size = Spool.peek(path), path.stat().st_size
    except OSError as error:
        yield fail(
            "spool",
            f"{path}: {error.strerror}",
            "修正所有者和权限 / mend its owner and rights: without it calls may be lost when the "
            "database is away",
        )
        return
    if waiting:
        yield warn(
            "spool",
            f"{waiting} 条通话记录尚未入库 / records of calls are not in the database yet",
            "启动线路,自动补录 / start the line, which brings them there: huisheng run",
        )
    elif size < BYTES:
        yield warn(
            "spool",
            f"{path} 未分配足够空间 / has less room than it should",
            "腾出空间后重启线路 / make room on the disk and restart the line",
        )
    else:
        yield ok("spool", f"{path},空 / empty")


def notes(pbx: PbxSettings) -> Iterator[Finding]:
    """A PBX that exists already: can we read what it notes of calls, and take its messages away?"""
    if pbx.mode == "own":
        return
    mend = (
        "见 docs/existing-pbx.md 第 5 步:建立目录,属组设为本用户 / step 5 there: make the folder, "
        "its group ours (mode 2770), and name astspooldir as pbx.spool_dir"
    )
    if pbx.spool_dir is None:
        yield warn(
            "notes",
            "未填 pbx.spool_dir:离线期间的来电不会成为工单 / is not set: calls that the dialplan "
            "served alone do not become tickets",
            mend,
        )
        return
    folder = pbx.spool_dir / "huisheng"
    file = folder / NOTES
    refused = [one for one in (folder, folder / MESSAGES) if not os.access(one, RIGHTS)]
    if not folder.exists():
        yield fail("notes", f"没有 / there is no {folder}", mend)
    elif refused or (file.exists() and not os.access(file, os.R_OK)):
        what = ", ".join(map(str, refused or [file]))
        yield fail("notes", f"不可读写 / cannot be read and written: {what}", mend)
    elif not file.exists():
        yield warn(
            "notes",
            f"还没有 {file}:尚无来电,或拨号方案未引入 / not there yet: nobody has called, or the "
            "dialplan is not included",
            "拨打一次 400 号码后再看 / call the line once and look again; docs/existing-pbx.md",
        )
    else:
        yield ok("notes", f"{file},可读 / readable")
