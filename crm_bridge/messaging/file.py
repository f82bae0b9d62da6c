"""Messages into files: what is sent until a provider is configured, and what tests read.

In `<state_dir>/messages/`: `sms.jsonl` with a line of JSON for each SMS, an `.eml` file for each
e-mail, as mail programs open it. Readable to us alone, for they name customers.
"""

import asyncio
import os
from pathlib import Path

import orjson

from crm_bridge.messaging.mail import mail_of
from desk.messages import Channel, Message
from desk.messages.sending import Later, Result, Sent

_MODE = 0o600
_FOLDER_MODE = 0o700


class FileProvider:
    """Writes messages into a folder."""

    name = "file"
    deadline_seconds = 10.0

    def __init__(self, folder: Path, sender: str = "huisheng@localhost") -> None:
        """Args:
        sender: the address that e-mails come from.
        """
        self._folder = folder
        self._sender = sender

    async def send(self, message: Message) -> Result:
        """Write the message down, safe on the disk."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            return Later(f"{self._folder}: {error.strerror}; free the disk or mend its rights")
        return Sent(f"file-{message.id}")

    async def aclose(self) -> None:
        """Nothing is open."""

    def _write(self, message: Message) -> None:
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        if message.channel is Channel.EMAIL:
            name = self._folder / f"{message.id}.eml"
            whole = bytes(mail_of(message, self._sender))
            beside = name.with_suffix(f".{os.getpid()}.part")
            _put(beside, whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            beside.replace(name)
            return
        line = orjson.dumps(
            {
                "id": message.id,
                "key": message.key,
                "to": message.to,
                "template": message.template,
                "text": message.text,
                "segments": message.segments,
                "ticket_id": message.ticket_id,
                "at": message.created_at,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        # One write to a file opened for appending: lines of two processes do not mix.
        _put(self._folder / "sms.jsonl", line, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _put(path: Path, content: bytes, flags: int) -> None:
    file = os.open(path, flags, _MODE)
    try:
        if os.write(file, content) != len(content):
            raise OSError(0, "only a part could be written")
        os.fsync(file)
    finally:
        os.close(file)
