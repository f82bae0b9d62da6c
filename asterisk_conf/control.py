"""Asterisk's control socket: one CLI command, one answer. What `asterisk -rx` speaks.

Protocol (main/asterisk.c): on connect the server sends `host/pid/version\\n`; the client sends
`cli quit after <command>\\0`; the server sends the output and closes. Lines for consoles may come
in between; those of `Verbose` begin with a byte over 127.
"""

import asyncio
from pathlib import Path

from asterisk_conf.errors import ControlError

_LONGEST_ANSWER = 4_000_000


async def command(socket: Path, text: str, *, deadline: float = 10) -> str:
    """Run one CLI command and return what it prints.

    Args:
        deadline: seconds to wait for the whole answer.

    Raises:
        ControlError: nobody listens on `socket`, or the answer is late or too long.
        ValueError: `text` holds a control character, which would end the command early.
    """
    if any(ord(char) < 32 for char in text):
        raise ValueError(f"{text!r}: a CLI command is one line")
    try:
        async with asyncio.timeout(deadline):
            answer = await _exchange(socket, text)
    except TimeoutError as error:
        raise ControlError(f"{socket}: no answer to `{text}` within {deadline:g} s") from error
    except OSError as error:
        raise ControlError(f"{socket}: Asterisk does not run ({error.strerror})") from error
    return answer


async def pid(socket: Path, *, deadline: float = 5) -> int:
    """Process id of the Asterisk that listens on `socket`, from its greeting.

    Raises:
        ControlError: nobody listens, or not an Asterisk.
    """
    try:
        async with asyncio.timeout(deadline):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                banner = await reader.readline()
            finally:
                writer.close()
    except (TimeoutError, OSError) as error:
        raise ControlError(f"{socket}: Asterisk does not run") from error
    parts = banner.decode(errors="replace").split("/")
    if len(parts) < 3 or not parts[1].isdigit():
        raise ControlError(f"{socket}: {banner!r} is no greeting of Asterisk")
    return int(parts[1])


async def _exchange(socket: Path, text: str) -> str:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(b"cli quit after " + text.encode() + b"\0")
        await writer.drain()
        answer = bytearray()
        while chunk := await reader.read(65536):
            answer += chunk
            if len(answer) > _LONGEST_ANSWER:
                raise ControlError(f"{socket}: the answer to `{text}` is over 4 MB")
    finally:
        writer.close()
    _banner, _, output = bytes(answer).partition(b"\n")
    lines = output.decode(errors="replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith("\x7f"))
