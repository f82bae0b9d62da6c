"""When Asterisk has written a recording to its end.

Asterisk answers the order to stop at once and stops later: what it has still to write follows. A
recording is in the list of living ones until its file is closed; only then is the file whole.
"""

import asyncio

from ari_app.ari import Client, DeadlineExceeded, NotFound

WRITTEN_SECONDS = 5.0
LOOK_SECONDS = 0.05


async def is_written(ari: Client, name: str) -> None:
    """Wait until nothing more is written to the recording; at once where there is none.

    Raises:
        DeadlineExceeded: it still lives after `WRITTEN_SECONDS`.
        AriError: Asterisk does not say.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + WRITTEN_SECONDS
    while loop.time() < until:
        try:
            await ari.recordings.live(name).get()
        except NotFound:
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise DeadlineExceeded(
        f"the recording has not ended within {WRITTEN_SECONDS:g} s",
        operation="recordings.get_live",
        ids={"recording_name": name},
    )
