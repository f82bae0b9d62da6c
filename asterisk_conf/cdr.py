"""Reading call detail records (`templates/cdr_custom.conf.j2` writes them).

A call has many records: one per channel (agents' legs, snoops, media), and several of the caller's
own channel, one for each stretch of dialplan or talk. What counts is one thing per caller: the
trunk channel, which is its own `linkedid` and came in through our dialplan.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

COLUMNS = (
    "uniqueid",
    "linkedid",
    "channel",
    "src",
    "dst",
    "dcontext",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
)
CALLERS = ("huisheng-line", "huisheng-back", "huisheng-fallback", "huisheng-say")
FALLBACK = ("huisheng-fallback", "huisheng-say")
_LONGEST = 64  # characters of a caller id


@dataclass(frozen=True)
class TrunkCall:
    """One caller's call, over since `ended_at`.

    Attributes:
        id: the trunk channel, the id under which the application knows the call.
        caller_id: as the carrier sent it, at most 64 characters.
        dialled: the published number; empty if no record tells.
        fallback: the dialplan served the caller alone.
    """

    id: str
    channel_name: str
    caller_id: str
    dialled: str
    started_at: datetime
    ended_at: datetime
    fallback: bool


def rows(lines: Iterable[str]) -> Iterator[Sequence[str]]:
    """The records in `lines`. What is none (cut off by a full disk or a crash) is passed over."""
    for line in lines:
        try:
            fields = next(csv.reader([line], strict=True), [])
        except csv.Error:
            continue
        if len(fields) == len(COLUMNS):
            yield fields


def trunk_calls(records: Iterable[Sequence[str]]) -> dict[str, TrunkCall]:
    """One call per trunk channel (its `linkedid`), from all its records; by id."""
    found: dict[str, TrunkCall] = {}
    for fields in records:
        call = _trunk_call(dict(zip(COLUMNS, fields, strict=True)))
        if call is None:
            continue
        known = found.get(call.id)
        found[call.id] = _joined(known, call) if known is not None else call
    return found


def _trunk_call(row: dict[str, str]) -> TrunkCall | None:
    if not row["uniqueid"] or row["uniqueid"] != row["linkedid"] or row["dcontext"] not in CALLERS:
        return None
    start, end = _moment(row["start"]), _moment(row["end"])
    if start is None or end is None:
        return None
    digits = row["dst"].isascii() and row["dst"].isdigit()
    return TrunkCall(
        id=row["uniqueid"],
        channel_name=row["channel"],
        caller_id=row["src"][:_LONGEST],
        dialled=row["dst"] if digits else "",
        started_at=start,
        ended_at=end,
        fallback=row["dcontext"] in FALLBACK,
    )


def _joined(one: TrunkCall, other: TrunkCall) -> TrunkCall:
    return replace(
        one,
        dialled=one.dialled or other.dialled,
        started_at=min(one.started_at, other.started_at),
        ended_at=max(one.ended_at, other.ended_at),
        fallback=one.fallback or other.fallback,
    )


def _moment(text: str) -> datetime | None:
    """Asterisk's local time, e.g. `2026-11-22 03:08:29`."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
