"""Operations as Asterisk describes them (its own `/ari/api-docs`, Swagger 1.1).

An `Operation` knows its parameters, so a wrong name or value is refused before anything is sent.
Names are the description's in snake_case: `channelId` is `channel_id`, `sendDTMF` is `send_dtmf`;
a name that Python reserves gets an underscore (`from_`).
"""

import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from ari_app.ari import snapshots
from ari_app.ari.errors import AriError
from ari_app.ari.lanes import Lane, lane_of

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLAIN = re.compile(r"[A-Za-z0-9_.~:,-]*").fullmatch
_NOT_A_SEGMENT = frozenset({"", ".", ".."})
_MODELS: dict[str, Any] = {
    "Channel": snapshots.ChannelSnapshot,
    "Bridge": snapshots.BridgeSnapshot,
    "Playback": snapshots.PlaybackSnapshot,
    "LiveRecording": snapshots.LiveRecordingSnapshot,
    "StoredRecording": snapshots.StoredRecordingSnapshot,
    "Application": snapshots.ApplicationSnapshot,
    "Endpoint": snapshots.EndpointSnapshot,
    "AsteriskInfo": snapshots.AsteriskSnapshot,
    "Variable": snapshots.VariableSnapshot,
}
_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def snake(name: str) -> str:
    """`channelId` → `channel_id`, `sendDTMF` → `send_dtmf`, `from` → `from_`."""
    flat = _WORD_START.sub("_", name).lower()
    return f"{flat}_" if keyword.iskeyword(flat) else flat


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name on the wire, its `slot` in a path such as "{channelId}", its place
    ("path", "query", "body") and its type.
    """

    wire: str
    slot: str
    place: str
    type: str
    required: bool
    many: bool
    allowed: frozenset[str]


@dataclass(slots=True)
class Request:
    """A checked request, ready for either lane.

    `target` is relative to /ari, percent-encoded, with the query; its first `path_length`
    characters are the path alone. `values` are what the caller gave: an error says what it was
    about, and a query that is too long for a line goes into the body.
    """

    operation: str
    method: str
    target: str
    path_length: int
    body: Any
    values: Mapping[str, Any]
    parameters: Mapping[str, "Parameter"]

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target[: self.path_length]

    @property
    def query(self) -> dict[str, Any]:
        """The query's values under their names on the wire, not yet as text."""
        return {
            self.parameters[name].wire: value
            for name, value in self.values.items()
            if value is not None and self.parameters[name].place == "query"
        }

    @property
    def ids(self) -> dict[str, str]:
        """The ids and names among the values."""
        return {
            name: str(value)
            for name, value in self.values.items()
            if name == "name" or name.endswith(("_id", "_name"))
        }

    @property
    def repeatable(self) -> bool:
        """Doing it twice is the same as doing it once."""
        return self.method != "POST"


def plain(operation: str, path: str) -> Request:
    """A GET without parameters, for what the client itself asks."""
    return Request(operation, "GET", path, len(path), None, {}, {})


class Operation:
    """One operation, for example `channels.answer`."""

    __slots__ = ("_decoder", "_path", "_required", "lane", "method", "name", "parameters")

    def __init__(
        self, name: str, method: str, path: str, parameters: Mapping[str, Parameter], returns: str
    ) -> None:
        self.name = name
        self.method = method
        self.parameters = dict(parameters)
        self.lane = Lane.HTTP if returns == "binary" else lane_of(name)
        self._path = path.lstrip("/")
        self._required = sum(p.required for p in self.parameters.values())
        self._decoder = _decoder(returns)

    def request(self, values: Mapping[str, Any]) -> Request:
        """Check `values` (None means "not given") and place them.

        Raises:
            TypeError: an unknown or missing parameter; the message lists the allowed names.
            ValueError: a value that the description or the wire does not allow.
        """
        path = self._path
        query: list[str] = []
        body: Any = None
        missing = self._required
        known = self.parameters
        for name, value in values.items():
            parameter = known.get(name)
            if parameter is None:
                allowed = ", ".join(known) or "none"
                raise TypeError(f"{self.name}() has no parameter {name!r}; it has: {allowed}")
            if value is None:
                continue
            missing -= parameter.required
            if parameter.place == "path":
                path = path.replace(parameter.slot, _segment(self.name, name, text(value)), 1)
            elif parameter.place == "query":
                query.append(f"{parameter.wire}={_escaped(text(_checked(self, parameter, value)))}")
            else:
                body = {parameter.wire: value} if parameter.type == "containers" else value
        if missing:
            lacking = [n for n, p in known.items() if p.required and values.get(n) is None]
            raise TypeError(f"{self.name}() needs the parameter {', '.join(lacking)}")
        target = f"{path}?{'&'.join(query)}" if query else path
        return Request(self.name, self.method, target, len(path), body, values, known)

    def result(self, body: bytes | str | None) -> Any:
        """The reply's body as a snapshot, a list of them, plain JSON values, or None."""
        if not body:
            return None
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AriError(
                f"Asterisk's reply is not what it describes: {error}", operation=self.name
            ) from error

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(self.parameters)})>"


class Descriptions:
    """All operations of one Asterisk: `operations["channels.answer"]`, and by resource."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = {operation.name: operation for operation in operations}
        self.resources: dict[str, dict[str, Operation]] = {}
        for name, operation in self.operations.items():
            resource, _, short = name.partition(".")
            self.resources.setdefault(resource, {})[short] = operation

    @classmethod
    def parse(cls, documents: Mapping[str, Any]) -> "Descriptions":
        """Read resource descriptions by resource name ("channels": the parsed channels.json)."""
        return cls(
            _operation(snake(resource), api["path"], described)
            for resource, document in documents.items()
            for api in document["apis"]
            for described in api["operations"]
            if "upgrade" not in described
        )


def text(value: Any) -> str:
    """A value as ARI reads it: true/false, decimal numbers, lists joined by commas.

    Raises:
        ValueError: NUL, text that is no valid Unicode, or a comma inside a list's item.
    """
    if type(value) is str:
        if "\0" in value:
            raise ValueError("a NUL character cannot be sent to Asterisk")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [text(item) for item in value]
        if any("," in item for item in items):
            raise ValueError(f"an item must not contain a comma: {items!r}")
        return ",".join(items)
    return text(str(value))


def _segment(operation: str, name: str, value: str) -> str:
    if value in _NOT_A_SEGMENT:
        raise ValueError(f"{operation}: {name}={value!r} would name another resource")
    return _escaped(value)


def _escaped(value: str) -> str:
    # almost every id and sound is plain; asking is a third of the price of quoting
    return value if _PLAIN(value) else quote(value, safe="")


def _checked(operation: Operation, parameter: Parameter, value: Any) -> Any:
    if parameter.allowed and value not in parameter.allowed:
        choices = ", ".join(sorted(parameter.allowed))
        raise ValueError(f"{operation.name}: {parameter.wire}={value!r} is not one of: {choices}")
    if parameter.many and isinstance(value, str):
        return [value]
    return value


def _operation(resource: str, path: str, described: Mapping[str, Any]) -> Operation:
    parameters = {
        snake(p["name"]): Parameter(
            wire=p["name"],
            slot=f"{{{p['name']}}}",
            place=p["paramType"],
            type=p["dataType"],
            required=bool(p.get("required")) or p["paramType"] == "path",
            many=bool(p.get("allowMultiple")),
            allowed=frozenset((p.get("allowableValues") or {}).get("values", ())),
        )
        for p in described.get("parameters", ())
    }
    name = f"{resource}.{snake(described['nickname'])}"
    return Operation(
        name, described["httpMethod"], path, parameters, described.get("responseClass", "void")
    )


def _decoder(returns: str) -> msgspec.json.Decoder[Any]:
    if returns.startswith("List["):
        model = _MODELS.get(returns[5:-1])
        return msgspec.json.Decoder(list[model]) if model else _ANYTHING  # type: ignore[valid-type]
    model = _MODELS.get(returns)
    return msgspec.json.Decoder(model) if model else _ANYTHING
