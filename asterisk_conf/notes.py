"""Reading the dialplan's own notes of calls (`templates/dialplan.inc.j2` writes them).

One line per event, appended by Asterisk before anything else happens to the call, so it is there
however the application, or Asterisk, dies afterwards:

    received,<epoch>,<channel id>,<line number>,<channel name>,<caller id>
    fallback,<epoch>,<channel id>
    message,<epoch>,<channel id>,<file name>

Texts that come from outside are URI-encoded. CEL could note calls too, but from a thread of its
own, after the fact: a crash could take the last ones with it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast
from urllib.parse import unquote

Kind = Literal["received", "fallback", "message"]
_FIELDS = {"received": 6, "fallback": 3, "message": 4}


@dataclass(frozen=True)
class Note:
    """One event of a call.

    Attributes:
        kind: `received` on a published number; `fallback`: the dialplan serves the caller alone;
            `message`: the caller said something, which lies in `file`.
        channel_id: the trunk channel, the id under which the application knows the call.
        line_number: the published number dialled (`received` only, else empty).
        channel_name: e.g. `PJSIP/carrier-00000001` (`received` only).
        caller_id: as the carrier sent it, at most 64 characters (`received` only).
        file: name inside `Paths.messages` (`message` only).
    """

    kind: Kind
    at: datetime
    channel_id: str
    line_number: str = ""
    channel_name: str = ""
    caller_id: str = ""
    file: str = ""


def read(path: Path) -> list[Note]:
    """All notes in the file, oldest first; none if there is no file yet."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return list(parse(text.split("\n")))


def parse(lines: Iterable[str]) -> Iterator[Note]:
    """Notes in `lines`. A line that is not one (cut off by a full disk or a crash) is passed
    over: it stands for no call that can be named."""
    for line in lines:
        kind, *fields = line.split(",")
        if _FIELDS.get(kind) != len(fields) + 1 or not fields[0].isdigit() or not fields[1]:
            continue
        at = datetime.fromtimestamp(int(fields[0]), UTC)
        channel_id, *rest = fields[1:]
        if kind == "received":
            line_number, channel_name, caller_id = rest
            yield Note(
                "received",
                at,
                channel_id,
                line_number=line_number,
                channel_name=unquote(channel_name),
                caller_id=unquote(caller_id, errors="replace"),
            )
        else:
            yield Note(cast(Kind, kind), at, channel_id, file=rest[0] if rest else "")
