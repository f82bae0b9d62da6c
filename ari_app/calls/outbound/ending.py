"""The end of a call that was placed, by whichever process."""

import asyncio

from ari_app.ari import NotFound
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard

PAUSE_SECONDS = 1.0
TROUBLE_SECONDS = 10.0
ALIEN_SECONDS = 5.0  # within which another process, just losing the line, dials what it has taken


async def until_over(line: Line, board: Switchboard, channel_id: str, *, ours: bool) -> bool:
    """Wait until the call is over and the desk knows what became of it. False: the desk does not
    know yet; ask again.

    Args:
        ours: this process has placed it; another one may be about to.
    """
    if not ours:
        await asyncio.sleep(ALIEN_SECONDS)
    while board.call(channel_id) is not None or await _is_there(line, channel_id):
        await board.ended(channel_id)
        await asyncio.sleep(PAUSE_SECONDS)
    await line.journal.flush()
    if line.journal.spooling:
        await asyncio.sleep(TROUBLE_SECONDS)
        return False
    return True


async def _is_there(line: Line, channel_id: str) -> bool:
    try:
        await line.ari.channels.get(channel_id)
    except NotFound:
        return False
    return True
