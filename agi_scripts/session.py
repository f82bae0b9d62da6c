"""A script's conversation with Asterisk over one connection: one command, one reply, in turn."""

import asyncio
from collections.abc import Mapping

from agi_scripts.protocol import (
    MAX_REPLY_BYTES,
    AgiError,
    BadReply,
    BadRequest,
    CommandRefused,
    Reply,
    Request,
    command,
    continues,
    parse_reply,
    parse_request,
    set_variable,
)

MAX_LINES = 1_000  # that Asterisk may send after the header
_HANG_UP = "HANGUP"


class Disconnected(AgiError):  # noqa: N818 - a state of the connection
    """Asterisk closed the connection: the call is over, or Asterisk is."""


async def read_request(reader: asyncio.StreamReader, most_bytes: int) -> Request:
    """The request at the beginning of a connection.

    Raises:
        BadRequest: it is longer than `most_bytes`, ends too early or is no request.
    """
    header = bytearray()
    while True:
        line = await _line(reader, most_bytes - len(header))
        if line == b"\n":
            return parse_request(bytes(header))
        header += line


async def _line(reader: asyncio.StreamReader, most: int) -> bytes:
    try:
        line = await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise BadRequest("the connection ended within the header") from error
    except asyncio.LimitOverrunError as error:
        raise BadRequest("a header line without an end") from error
    if len(line) > most:
        raise BadRequest("the header is too long")
    return line


class Session:
    """The channel as a script sees it. Deadlines are the server's.

    Attributes:
        request: what the dialplan asked for.
        hung_up: the caller has hung up; variables can still be set, for `h` extensions.
    """

    def __init__(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self.hung_up = False
        self._reader = reader
        self._writer = writer
        self._lines = 0

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """Set channel variables named HS_….

        Raises:
            Unsendable: a value holds a line break or another control character; nothing is sent.
            AgiError: the connection or Asterisk failed.
        """
        for line in [set_variable(name, value) for name, value in values.items()]:
            await self._ask(line)

    async def answer(self) -> None:
        """Answer the call, if that has not happened."""
        await self._ask(command("ANSWER"))

    async def record(self, file: str, *, seconds: float, silence_seconds: float) -> Reply:
        """Beep, then record `file`.wav until `#`, silence, the time limit or hang-up.

        A PBX without the sound `beep` fails at once; it then records without one.
        """
        start = ("RECORD", "FILE", file, "wav", "#", str(round(seconds * 1000)))
        silence = f"s={max(1, round(silence_seconds))}"
        reply = await self._ask(command(*start, "BEEP", silence))
        if reply.note == "randomerror" and not self.hung_up:
            reply = await self._ask(command(*start, silence))
        return reply

    async def _ask(self, line: bytes) -> Reply:
        self._writer.write(line)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise Disconnected("Asterisk closed the connection") from error
        while (answer := await self._read_line()) == _HANG_UP:
            self.hung_up = True
        if not continues(answer):
            return parse_reply(answer)
        refusal = answer
        code = refusal[:3] + " "
        while not (await self._read_line()).startswith(code):
            pass
        raise CommandRefused(f"Asterisk refused a command: {refusal!r:.80}")

    async def _read_line(self) -> str:
        self._lines += 1
        if self._lines > MAX_LINES:
            raise BadReply(f"more than {MAX_LINES} lines")
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Disconnected("Asterisk closed the connection") from error
        except asyncio.LimitOverrunError as error:
            raise BadReply("a reply without an end") from error
        if len(line) > MAX_REPLY_BYTES:
            raise BadReply("a reply is too long")
        return line.decode("utf-8", "replace").removesuffix("\n")
