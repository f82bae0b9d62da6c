"""From a websocket message to its event, or a reason why there is none."""

from collections.abc import Callable, Iterable
from typing import Any, Union, cast

import msgspec

from ari_app.ari import events
from ari_app.ari.events import Event, OtherEvent


class MalformedError(ValueError):
    """A message that is no JSON object, or a known event without the fields it must have."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


def concrete(kind: type[Event]) -> Iterable[type[Event]]:
    """The classes that events of `kind` really have: `kind` itself or its subclasses."""
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from concrete(child)


CLASSES: dict[str, type[Event]] = {
    cast(str, kind.__struct_config__.tag): kind
    for kind in concrete(Event)
    if kind is not OtherEvent
}
_known = msgspec.json.Decoder(Union[tuple(CLASSES.values())])  # noqa: UP007 (made at run time)
_decode = cast("Callable[[bytes | str], Event]", _known.decode)


def decode(message: bytes | str) -> Event:
    """Turn one websocket message into its event; an unknown type becomes `OtherEvent`.

    Raises:
        MalformedError: see there.
    """
    try:
        return _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _other(message, error)


def _other(message: bytes | str, error: Exception) -> OtherEvent:
    try:
        body: Any = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise MalformedError("no JSON", str(broken)) from broken
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise MalformedError("no event", "a message is an object with a type")
    name = body["type"]
    if name in CLASSES:
        raise MalformedError(name, str(error)) from error
    return events.OtherEvent(
        name=name,
        body=body,
        application=str(body.get("application", "")),
        timestamp=str(body.get("timestamp", "")),
        asterisk_id=str(body.get("asterisk_id", "")),
    )
