"""After a talk: its recordings come from Asterisk into our own store, with a mix of all parties."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from ari_app.ari import AriError, NotFound
from ari_app.ari.backoff import delays
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.talk.listening import CALLER, PARTY
from ari_app.calls.talk.mailbox import Mailbox
from ari_app.calls.talk.parties import Parties
from ari_app.calls.talk.talk_records import recorded
from ari_app.calls.vault import NothingSaid
from desk.recordings import NewRecording, StoreError
from stt.errors import AudioError
from stt.mix import Track

log = structlog.get_logger()

ATTEMPTS = 50  # with waits of up to 10 s: about eight minutes
CHORE_SECONDS = 30.0


async def take_down(call: Call, line: Line) -> None:
    """End what a talk that nobody serves any more has left in Asterisk, and free its agents."""
    if "talk" in call.state:
        with Mailbox(line.ari) as box:
            await Parties(call, line, box).end(call.end_cause)


async def finish_chores(call: Call) -> None:
    """Wait until the taps of the call's talks are closed."""
    if not call.chores:
        return
    _done, late = await asyncio.wait(call.chores, timeout=CHORE_SECONDS)
    for chore in late:
        log.error("chore not done in time", call=call.id, chore=chore.get_name())
        chore.cancel()
    for chore in _done:
        if not chore.cancelled() and chore.exception() is not None:
            log.error("chore failed", call=call.id, exc_info=chore.exception())
    call.chores.clear()


async def keep_recordings(call: Call, line: Line) -> None:
    """Bring every finished recording of the call's talks into the store and into the desk.

    Raises:
        StoreError, AriError: not within `ATTEMPTS`; the call stays unfinished, and the recordings
            stay with Asterisk, until the next start.
    """
    waits = delays(0.5, 10.0)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await _keep(call, line)
            return
        except (StoreError, AriError) as error:
            if attempt == ATTEMPTS:
                raise
            log.warning("recordings not kept yet", call=call.id, error=str(error))
        await asyncio.sleep(next(waits))


async def _keep(call: Call, line: Line) -> None:
    kept = []
    for piece in call.pieces:
        try:
            new = await line.vault.fetch(
                line.ari,
                call.id,
                piece["name"],
                kind=piece["kind"],
                party=piece["party"],
                leg=piece["leg"],
                started_at=datetime.fromisoformat(piece["since"]),
                transcribed=piece["live"],
            )
        except NothingSaid:
            await line.vault.forget(line.ari, piece["name"])
            continue
        except NotFound:
            if not line.ari.is_connected:
                raise  # an Asterisk that is starting says so of everything (measured)
            # Nothing was said, or a former process has brought it.
            log.info("Asterisk has no such recording", call=call.id, recording=piece["name"])
            continue
        line.journal.record(call, recorded(new))
        kept.append((piece, new))
    parties = [(piece, new) for piece, new in kept if piece["kind"] == PARTY]
    if len(parties) > 1:
        began = min(new.started_at for _, new in parties if new.started_at is not None)
        tracks = [_track(piece, new, began) for piece, new in parties]
        try:
            line.journal.record(call, recorded(await line.vault.mix(call.id, tracks, began)))
        except AudioError as error:
            log.error("talk not mixed; its parties are kept", call=call.id, error=str(error))
    await line.journal.flush()
    for piece, _ in kept:
        await line.vault.forget(line.ari, piece["name"])
    call.pieces.clear()


def _track(piece: dict[str, Any], new: NewRecording, began: datetime) -> tuple[NewRecording, Track]:
    assert new.started_at is not None  # noqa: S101 - parties' recordings always have it
    offset = (new.started_at - began).total_seconds()
    end = new.seconds + sum(pause[-1] - pause[0] for pause in piece["pauses"])
    pauses = [
        # One that never ended may, by our clock, begin a moment after the recording's end.
        (offset + pause[0], offset + (pause[1] if len(pause) > 1 else max(end, pause[0])))
        for pause in piece["pauses"]
    ]
    caller = piece["party"] == CALLER
    return new, Track(Path(new.path), offset, pauses, caller=caller)
