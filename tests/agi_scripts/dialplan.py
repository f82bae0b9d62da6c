"""The other end of a FastAGI connection, as Asterisk's `res_agi` behaves."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def words_of(line: str) -> list[str]:
    """A command line as `res_agi` takes it apart: blanks part words, except within quotes; a
    backslash makes the next character an ordinary one."""
    words: list[str] = []
    word = ""
    quoted = escaped = False
    between = True
    for character in line:
        if not escaped and character == '"':
            quoted = not quoted
            if quoted and between:
                between, word = False, ""
        elif not escaped and not quoted and character in " \t":
            if not between:
                words.append(word)
            between = True
        elif not escaped and character == "\\":
            escaped = True
            if between:
                between, word = False, ""
            continue
        else:
            if between:
                between, word = False, ""
            word += character
        escaped = False
    if not between:
        words.append(word)
    return words


def header(script: str, *arguments: str, **fields: str) -> bytes:
    """What Asterisk sends first."""
    lines = {
        "agi_network": "yes",
        "agi_network_script": script,
        "agi_request": f"agi://127.0.0.1/{script}",
        "agi_channel": "PJSIP/carrier-00000001",
        "agi_uniqueid": "1795305600.1",
        "agi_callerid": "02253456789",
        "agi_calleridname": "unknown",
        "agi_dnid": "4001234567",
        "agi_extension": "4001234567",
        **fields,
        **{f"agi_arg_{number}": value for number, value in enumerate(arguments, start=1)},
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode() + b"\n"


@dataclass
class Channel:
    """What a script did to the channel. `answers` gives replies to commands other than the usual
    ones: a function of the words, by the command's first word."""

    variables: dict[str, str] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)
    answers: Mapping[str, Callable[[list[str]], str]] = field(default_factory=dict)

    def reply(self, line: str) -> str:
        words = words_of(line)
        self.commands.append(words)
        if words[0] in self.answers:
            return self.answers[words[0]](words)
        if words[:2] == ["SET", "VARIABLE"]:
            assert len(words) == 4, f"{line!r} is not one command with one value"
            self.variables[words[2]] = words[3]
            return "200 result=1"
        if words == ["ANSWER"]:
            return "200 result=0"
        return "510 Invalid or unknown command"


async def call(port: int, request: bytes, channel: Channel | None = None) -> Channel:
    """Run one script to its end as Asterisk would; every wait ends after ten seconds."""
    channel = channel or Channel()
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            while line := await reader.readline():
                assert line.endswith(b"\n")
                writer.write(channel.reply(line.decode().removesuffix("\n")).encode() + b"\n")
        except ConnectionError:
            pass  # the server refuses to go on; Asterisk takes that as the script's end
        finally:
            writer.transport.abort()
    return channel
