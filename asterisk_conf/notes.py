"""Reading the dialplan's own notes of calls (`templates/dialplan.inc.j2` writes them).

One line per event, appended by Asterisk before anything else happens to the call, so it is there
however the application, or Asterisk, dies afterwards:

    received,<epoch>,<channel id>,<line number>,<channel name>,<caller id>
    fallback,<epoch>,<channel id>
    message,<epoch>,<channel id>,<file name>
    ended,<epoch>,<channel id>,<cause>

Texts that come from outside are URI-encoded. CEL could note calls too, but from a thread of its
own, after the fact: a crash could take the last ones with it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast
from urllib.parse import unquote

Kind = Literal["received", "fallback", "message", "ended"]
_FIELDS = {"received": 6, "fallback": 3, "message": 4, "ended": 4}
# Where a note begins. A full disk can cut a line short, and the next note then stands in the same
# line; commas in a caller's text are encoded, so no text looks like the beginning of a note.
_BEGINNING = re.compile(rf"(?:{'|'.join(_FIELDS)}),[0-9]{{1,11}},", re.ASCII)


@dataclass(frozen=True)
class Note:
    """One event of a call.

    Attributes:
        kind: `received` on a published number; `fallback`: the dialplan serves the caller alone;
            `message`: the caller said something, which lies in `file`; `ended`: hung up.
        channel_id: the trunk channel, the id under which the application knows the call.
        line_number: the published number dialled (`received` only, else empty).
        channel_name: e.g. `PJSIP/carrier-00000001` (`received` only).
        caller_id: as the carrier sent it, at most 64 characters (`received` only).
        file: name inside `Paths.messages` (`message` only).
        cause: number of Q.850, e.g. 16 for an ordinary end; 0 if unknown (`ended` only).
    """

    kind: Kind
    at: datetime
    channel_id: str
    line_number: str = ""
    channel_name: str = ""
    caller_id: str = ""
    file: str = ""
    cause: int = 0


def read(path: Path) -> list[Note]:
    """All notes in the file, oldest first; none if there is no file yet."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return list(parse(text.split("\n")))


def parse(lines: Iterable[str]) -> Iterator[Note]:
    """Notes in `lines`. What is not one (cut off by a full disk or a crash) is passed over: it
    stands for no call that can be named."""
    for line in lines:
        starts = [match.start() for match in _BEGINNING.finditer(line)]
        for start, end in pairwise([*starts, len(line)]):
            note = _note(line[start:end])
            if note is not None:
                yield note


def _note(text: str) -> Note | None:
    kind, epoch, *fields = text.split(",")
    if _FIELDS[kind] != len(fields) + 2 or not fields[0]:
        return None
    at = datetime.fromtimestamp(int(epoch), UTC)
    channel_id, *rest = fields
    if kind == "received":
        line_number, channel_name, caller_id = rest
        return Note(
            "received",
            at,
            channel_id,
            line_number=line_number,
            channel_name=unquote(channel_name),
            caller_id=unquote(caller_id, errors="replace"),
        )
    if kind == "ended":
        cause = int(rest[0]) if rest[0].isascii() and rest[0].isdigit() else 0
        return Note("ended", at, channel_id, cause=min(cause, 127))
    return Note(cast(Kind, kind), at, channel_id, file=rest[0] if rest else "")
