"""Units: everything that a call has to tell the desk, as data that can be written again.

A unit is a name and arguments. Where the desk is away it waits in a file (`spool.py`) and is
written later, perhaps by the next process, perhaps after it was written already.

    @unit("talk.begin")
    def talk_begin(db: Connection, now: datetime, new: NewTalk) -> None:
        talks.begin(db, new)

    line.journal.record(call, talk_begin(NewTalk(…)))

Arguments may be whatever msgspec turns into JSON and back by the function's annotations: texts,
numbers, lists, mappings, moments, dataclasses. They are turned before the work is done the first
time too, so what works once works after a restart.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_type_hints

import msgspec
from sqlalchemy import Connection, bindparam, select

from desk.db.schema import timeline, timeline_head
from desk.text import canonical

_HEAD = select(timeline_head.c.seq).with_for_update()
_TOLD = (
    select(timeline.c.seq)
    .where(timeline.c.call_id == bindparam("of_call"), timeline.c.at == bindparam("moment"))
    .limit(1)
)

P = ParamSpec("P")
T = TypeVar("T")


class UnknownUnitError(LookupError):
    """A spooled record is of a kind that this version does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no unit {name!r}: the record was spooled by another version, or the module that "
            "registers it is not imported"
        )


@dataclass(frozen=True, slots=True)
class Unit(Generic[T]):
    """Something to be told to the desk; made by calling a kind. `T` is the work's result."""

    kind: "UnitKind[..., T]"
    arguments: bytes  # JSON

    def apply(self, db: Connection, now: datetime) -> T:
        """Do the work."""
        work: Callable[..., T] = self.kind.work
        return work(db, now, **self._values())

    def repeat(self, db: Connection, now: datetime) -> None:
        """Do what must be done again although the work was done."""
        if self.kind.repeat is not None:
            self.kind.repeat(db, now, **self._values())

    def already(self, db: Connection, now: datetime) -> bool:
        """Whether the kind says that the work was done."""
        already = self.kind.already
        return already is not None and already(db, now, **self._values())

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = msgspec.structs.asdict(self.kind.decode(self.arguments))
        return values


class UnitKind(Generic[P, T]):
    """One kind of unit; made by `unit`. Calling it with the work's arguments makes a `Unit`; `work`
    is the function itself, for units that are made of others.
    """

    def __init__(
        self,
        name: str,
        work: Callable[Concatenate[Connection, datetime, P], T],
        telling: bool,
        already: Callable[..., bool] | None,
        repeat: Callable[..., None] | None,
    ) -> None:
        self.name = name
        self.telling = telling
        self.work = work
        self.already = already
        self.repeat = repeat
        self._struct: Any = _struct_of(name, work)
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(self._struct).decode

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Unit[T]:
        """The unit with these arguments, which are copied.

        Raises:
            TypeError: an argument is missing, too many, or has no JSON form.
        """
        arguments = self._struct(*args, **kwargs)
        try:
            return Unit(self, msgspec.json.encode(arguments))
        except UnicodeEncodeError:  # half a character, which neither JSON nor the desk can hold
            return Unit(self, canonical(msgspec.to_builtins(arguments)).encode())


_KINDS: dict[str, UnitKind[..., Any]] = {}


def unit(
    name: str,
    *,
    telling: bool = False,
    already: Callable[..., bool] | None = None,
    repeat: Callable[..., None] | None = None,
) -> Callable[[Callable[Concatenate[Connection, datetime, P], T]], UnitKind[P, T]]:
    """Register the work of units called `name`.

    The work is a synchronous function of a connection, the moment at which the unit was recorded
    (no two units share one), and JSON-able arguments with annotations. It runs in a transaction,
    together with other units.

    Args:
        telling: it tells what the caller said or pressed; none is recorded of a private call.
        already: for work that may not be done twice and leaves no entry in a call's timeline
            (which tells by itself): whether it was done. It is called like the work, with every
            argument by its name, and only where a former attempt may have succeeded unnoticed.
        repeat: for work that leaves an entry and overwrites a state: the overwriting alone. It is
            called like the work where that was done before, for what came before it may have been
            written again, too.

    Raises:
        ValueError: the name is taken.
    """

    def register(work: Callable[Concatenate[Connection, datetime, P], T]) -> UnitKind[P, T]:
        if name in _KINDS:
            raise ValueError(f"there is a unit {name!r} already; a spooled one must find its work")
        kind = UnitKind(name, work, telling, already, repeat)
        _KINDS[name] = kind
        return kind

    return register


def kind_of(name: str) -> UnitKind[..., Any]:
    """The kind of that name.

    Raises:
        UnknownUnitError: there is none.
    """
    try:
        return _KINDS[name]
    except KeyError:
        raise UnknownUnitError(name) from None


def _struct_of(name: str, work: Callable[..., Any]) -> type[msgspec.Struct]:
    """A struct with the work's arguments as fields, in their order."""
    hints = get_type_hints(work)
    fields: list[Any] = []
    for parameter in list(inspect.signature(work).parameters.values())[2:]:
        field: tuple[Any, ...] = (parameter.name, hints[parameter.name])
        if parameter.default is not inspect.Parameter.empty:
            field = (*field, parameter.default)
        fields.append(field)
    return msgspec.defstruct(f"Arguments of {name}", fields)


class _Record(msgspec.Struct, array_like=True):
    """A record as the spool holds it."""

    name: str
    at: datetime
    call_id: str
    arguments: msgspec.Raw


@dataclass(slots=True, eq=False)
class Record:
    """A unit in its place: of which call (`""`: of none), recorded when, and whether it may have
    been written before.
    """

    unit: Unit[Any]
    at: datetime
    call_id: str
    again: bool = False

    def as_bytes(self) -> bytes:
        """The record for the spool."""
        raw = msgspec.Raw(self.unit.arguments)
        return msgspec.json.encode(_Record(self.unit.kind.name, self.at, self.call_id, raw))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Record":
        """What `as_bytes` gave.

        Raises:
            UnknownUnitError: see there.
            msgspec.MsgspecError: it is no record.
        """
        plain = msgspec.json.decode(data, type=_Record)
        return cls(Unit(kind_of(plain.name), bytes(plain.arguments)), plain.at, plain.call_id, True)


def apply(db: Connection, records: Sequence[Record]) -> list[Any]:
    """Write records in their order, all or none; the result of each, None for one that the desk
    has already. For `Database.write`.
    """
    results: list[Any] = []
    for record in records:
        if record.again and _is_written(db, record):
            record.unit.repeat(db, record.at)
            results.append(None)
        else:
            results.append(record.unit.apply(db, record.at))
    return results


def _is_written(db: Connection, record: Record) -> bool:
    """Whether a former attempt succeeded unnoticed: the call's timeline has an entry of this very
    moment, or the kind knows.

    The timeline's head is locked first: an attempt whose connection broke may be about to commit,
    and is then waited for.
    """
    db.execute(_HEAD)
    if record.call_id:
        told = db.execute(_TOLD, {"of_call": record.call_id, "moment": record.at})
        if told.first() is not None:
            return True
    return record.unit.already(db, record.at)
