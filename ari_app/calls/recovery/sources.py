"""Where Asterisk leaves its own knowledge of calls, and how far we have taken it in.

Everything here waits for the disk: from a coroutine, call it in a thread.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec
import structlog

from ari_app.calls.recovery.evidence import Evidence, add_messages, add_notes, add_records
from ari_app.calls.recovery.follow import Cursor, read_lines, rotate
from asterisk_conf import cdr, notes
from asterisk_conf.files import write_private
from asterisk_conf.paths import Paths
from desk.journal.calls import MOST_ID

log = structlog.get_logger()

MOST_BYTES = 4 << 20  # of the notes, and of the call records, before they are put aside
HEADER_BYTES = 44  # of a WAV file in which nothing was said
_CALL_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MOST_ID - 1}}}")


@dataclass(frozen=True)
class Sources:
    """Files of one Asterisk. `call_records` is None where an existing PBX keeps none for us."""

    notes: Path
    messages: Path
    call_records: Path | None = None

    @classmethod
    def of(cls, paths: Paths) -> Self:
        """Those of an Asterisk of our own."""
        return cls(paths.notes, paths.messages, paths.call_records)

    @classmethod
    def existing(cls, spool_dir: Path) -> Self:
        """Those of a PBX that exists already: `astspooldir` of its asterisk.conf."""
        return cls(spool_dir / "huisheng" / "calls.csv", spool_dir / "huisheng" / "messages")


class Progress(msgspec.Struct):
    """What was taken in: how far each file, and the calls that are not settled yet."""

    notes: Cursor = Cursor()
    call_records: Cursor = Cursor()
    calls: dict[str, Evidence] = {}


def load(path: Path) -> Progress:
    """The progress kept in `path`. Without it, or with a damaged one, everything is taken in
    again, which changes nothing.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return Progress()
    except (OSError, msgspec.MsgspecError) as error:
        log.error("recovery begins anew", file=str(path), error=str(error))
        return Progress()


def save(path: Path, progress: Progress) -> None:
    """Keep it, durably. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, msgspec.json.encode(progress))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def gather(sources: Sources, progress: Progress, now: datetime) -> dict[str, Path]:
    """Bring `progress` up to date; returns the messages that wait, by call id. Moments after `now`
    are taken for `now`: a clock was wrong.

    Raises:
        OSError: a file or folder is there and cannot be read.
    """
    while True:
        lines, progress.notes = read_lines(sources.notes, progress.notes)
        if not lines:
            break
        add_notes(progress.calls, notes.parse(lines), now)
    while sources.call_records is not None:
        lines, progress.call_records = read_lines(sources.call_records, progress.call_records)
        if not lines:
            break
        add_records(progress.calls, cdr.trunk_calls(cdr.rows(lines)), now)
    for call_id in [ident for ident in progress.calls if not _CALL_ID.fullmatch(ident)]:
        del progress.calls[call_id]  # no id that Asterisk gives
    messages = _messages(sources.messages)
    add_messages(progress.calls, {ident: at for ident, (_, at) in messages.items()}, now)
    return {ident: path for ident, (path, _) in messages.items()}


def shorten(sources: Sources, progress: Progress) -> None:
    """Put aside what has grown long and is taken in. Only after `save`."""
    try:
        rotate(sources.notes, progress.notes, MOST_BYTES)
        if sources.call_records is not None:
            rotate(sources.call_records, progress.call_records, MOST_BYTES)
    except OSError as error:
        log.error(
            "calls.csv or call records cannot be put aside",
            error=str(error),
            mend="let this user write into Asterisk's spool and log folders",
        )


def _messages(folder: Path) -> dict[str, tuple[Path, datetime]]:
    found: dict[str, tuple[Path, datetime]] = {}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return found
    for entry in entries:
        call_id, dot, suffix = entry.name.rpartition(".")
        if f"{dot}{suffix}" != ".wav" or not _CALL_ID.fullmatch(call_id):
            continue
        try:
            if entry.is_file(follow_symlinks=False):
                written = entry.stat(follow_symlinks=False).st_mtime
                found[call_id] = (Path(entry.path), datetime.fromtimestamp(written, UTC))
        except FileNotFoundError:
            continue
    return found
