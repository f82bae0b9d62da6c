"""A process that sends the SMS of a database to a file, slowly: `python -m … URL FOLDER`."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from crm_bridge.messaging.file import FileProvider
from crm_bridge.messaging.messaging import Messaging
from desk.db.engine import Database
from desk.messages import Channel, Message, MessageSettings
from desk.messages.sending import Result

SETTINGS = MessageSettings(quiet=None, per_number_daily=1000)


class Slow(FileProvider):
    """Writes at once, and answers a little later: time to be killed in between."""

    deadline_seconds = 1.0

    async def send(self, message: Message) -> Result:
        result = await super().send(message)
        await asyncio.sleep(0.03)
        return result


async def main(url: str, folder: Path) -> None:
    async with (
        await Database.open(url) as db,
        Messaging(db, {Channel.SMS: Slow(folder)}, SETTINGS, UTC, in_flight=3),
    ):
        print("ready", flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    assert datetime.now(UTC)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
