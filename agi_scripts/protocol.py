"""The AGI protocol (Asterisk's `res_agi`): request headers, commands, replies. No sockets here.

Two properties of Asterisk make care necessary. It puts caller id and name into the headers as they
are, so a line break in one would be a header of its own. And it reads commands line by line into
2,048 bytes: a line break in a value, or a value too long, would start a second command.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_COMMAND_BYTES = 2_000  # Asterisk 22 reads 8,192 at once, former versions 2,048
MAX_REPLY_BYTES = 4_096
MAX_ARGUMENTS = 20
_MAX_PARAMETERS = 20

_HEADER = re.compile(r"(agi_[a-z0-9_]{1,40}): ?(.*)")
_SCRIPT = re.compile(r"[a-z][a-z0-9_]{0,40}")
_VARIABLE = re.compile(r"HS_[A-Z0-9_]{1,40}")
_REPLY = re.compile(r"(\d{3})([ -])(.*)")
_RESULT = re.compile(r"result=(-?[0-9A-Za-z*#]*)(?: \((.*)\))?(?: endpos=(\d+))?.*")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_UNREADABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Presentation restricted, whatever the screening (ITU-T Q.931 §4.5.10, octet 3a).
_WITHHELD = frozenset({"32", "33", "34", "35"})
# What a dialplan interprets, and the full-width sign that looks the same.
_HARMLESS = {ord(sign): ord(sign) + 0xFEE0 for sign in '"$\\;,(){}[]&|`'}


class AgiError(Exception):
    """Base of what can go wrong between Asterisk and a script."""


class BadRequest(AgiError):  # noqa: N818 - named after the HTTP status that says the same
    """What the other side sent is no AGI request."""


class BadReply(AgiError):  # noqa: N818
    """What the other side sent is no reply to an AGI command."""


class CommandRefused(AgiError):  # noqa: N818
    """Asterisk does not know or allow the command (510, 520)."""


class Unsendable(AgiError):  # noqa: N818
    """A value that must not be put into a command."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a script from the dialplan, e.g. `AGI(agi://host/customer?x=1,8613…)`.

    Attributes:
        script: the path of the URL, `customer`.
        arguments: what follows in the dialplan, in order.
        parameters: the query of the URL.
        headers: everything that Asterisk sent, by its own names (`agi_channel` …).
    """

    script: str
    arguments: tuple[str, ...]
    parameters: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def caller_id(self) -> str:
        """The caller's number as Asterisk has it; `unknown` if there is none, `anonymous` if the
        caller withholds it: Asterisk tells that beside the number (`agi_callingpres`)."""
        if self.headers.get("agi_callingpres", "0") in _WITHHELD:
            return "anonymous"
        return self.headers.get("agi_callerid", "")

    @property
    def call_id(self) -> str:
        """Asterisk's unique id of the channel."""
        return self.headers.get("agi_uniqueid", "")

    @property
    def dialled(self) -> str:
        """The number that was dialled, as far as Asterisk knows it."""
        dnid = self.headers.get("agi_dnid", "")
        return dnid if dnid and dnid != "unknown" else self.headers.get("agi_extension", "")

    def argument(self, position: int, parameter: str) -> str:
        """The argument at a position (from 0) or, if that is missing or empty, a parameter."""
        if position < len(self.arguments) and self.arguments[position]:
            return self.arguments[position]
        return self.parameters.get(parameter, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """Asterisk's answer to a command: `200 result=0 (timeout) endpos=8000`."""

    result: str
    note: str = ""
    end_sample: int | None = None


def parse_request(header: bytes) -> Request:
    """A request from its header, the empty line at its end included or not.

    Bytes that are no UTF-8 become U+FFFD.

    Raises:
        BadRequest: a line is no header, a name comes twice, a value holds a control character, or
            no script is named.
    """
    headers: dict[str, str] = {}
    for line in header.decode("utf-8", "replace").removesuffix("\n").split("\n"):
        if not line:
            continue
        match = _HEADER.fullmatch(line)
        if match is None or _UNREADABLE.search(line):
            raise BadRequest(f"no AGI header: {line!r:.80}")
        name, value = match.groups()
        if name in headers:  # Asterisk sends each once: a value with a line break made this one
            raise BadRequest(f"the header {name} comes twice")
        headers[name] = value
    url = headers.get("agi_network_script") or headers.get("agi_request", "")
    script, parameters = _script(url)
    arguments = tuple(
        headers.get(f"agi_arg_{number}", "") for number in range(1, _arguments(headers) + 1)
    )
    return Request(script, arguments, parameters, headers)


def _script(url: str) -> tuple[str, Mapping[str, str]]:
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise BadRequest(f"no script URL: {url!r:.80}") from error
    script = unquote(parts.path).strip("/")
    if not _SCRIPT.fullmatch(script):
        raise BadRequest(f"no name of a script: {script!r:.80}")
    for name, value in pairs:
        if _UNREADABLE.search(value):
            raise BadRequest(f"control character in the parameter {name!r:.40}")
    return script, dict(pairs)


def _arguments(headers: Mapping[str, str]) -> int:
    numbers = [
        int(name.removeprefix("agi_arg_"))
        for name in headers
        if name.startswith("agi_arg_") and name.removeprefix("agi_arg_").isdecimal()
    ]
    count = max(numbers, default=0)
    if count > MAX_ARGUMENTS:
        raise BadRequest(f"{count} arguments; at most {MAX_ARGUMENTS} are read")
    return count


def command(*words: str) -> bytes:
    """A command line of plain words and quoted values; the first words are the command's name.

    Each word is quoted so that Asterisk reads it back unchanged: within quotes only `"` and `\\`
    are special, and both are escaped by `\\`.

    Raises:
        Unsendable: a word holds a control character, a line break or a lone surrogate, or the line
            would be longer than Asterisk reads at once.
    """
    for word in words:
        if _UNSENDABLE.search(word):
            raise Unsendable(f"control character or line break in {word!r:.80}")
    line = " ".join(word if word.isalpha() and word.isascii() else _quoted(word) for word in words)
    data = line.encode() + b"\n"
    if len(data) > MAX_COMMAND_BYTES:
        raise Unsendable(f"a command of {len(data)} bytes; at most {MAX_COMMAND_BYTES}")
    return data


def set_variable(name: str, value: str) -> bytes:
    """The command that sets one of our channel variables (`HS_…`, never a dialplan function).

    Raises:
        Unsendable: as `command`, or the name is not one of ours.
    """
    if not _VARIABLE.fullmatch(name):
        raise Unsendable(f"{name!r:.80} is no variable of ours; they are named HS_…")
    return command("SET", "VARIABLE", name, value)


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse_reply(line: str) -> Reply:
    """A reply of one line.

    Raises:
        CommandRefused: Asterisk answered 510, 511 or 520.
        BadReply: the line is no reply.
    """
    match = _REPLY.fullmatch(line)
    if match is None:
        raise BadReply(f"no AGI reply: {line!r:.80}")
    code, _, rest = match.groups()
    if code != "200":
        raise CommandRefused(f"Asterisk refused a command: {line!r:.80}")
    result = _RESULT.fullmatch(rest)
    if result is None:
        raise BadReply(f"no AGI result: {line!r:.80}")
    value, note, end = result.groups()
    return Reply(value, note or "", int(end) if end else None)


def continues(line: str) -> bool:
    """Whether a reply goes on in further lines (the usage that follows `520-`)."""
    match = _REPLY.fullmatch(line)
    return match is not None and match[2] == "-"


def harmless(text: Any, most: int = 200) -> str:
    """A text of ours or the customer's as a value that no dialplan stumbles over.

    Control characters and line breaks become spaces; quotes, commas, brackets, `$` and other signs
    that a dialplan interprets become their full-width forms; what is longer than `most` is cut.
    """
    return _UNSENDABLE.sub(" ", str(text)[:most]).translate(_HARMLESS)
