"""Every call that Asterisk knows becomes a journaled call with a ticket, whoever died meanwhile.

The dialplan's notes, the call records and the messages that the dialplan took are read on from
where they were left; calls that are over and that the journal does not have, or has not ended,
are filed, each with its own ticket and its own message. One step after the other, each of which
may be the last before a crash: the message's file comes into our store, journal and ticket are
written in one transaction, then Asterisk's copy goes, then the progress is kept.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from prometheus_client import Counter

from ari_app.ari import AriError
from ari_app.calls.line import Line
from ari_app.calls.recovery.evidence import Evidence
from ari_app.calls.recovery.filing import Filed, ended, file_call
from ari_app.calls.recovery.sources import (
    HEADER_BYTES,
    Progress,
    Sources,
    gather,
    load,
    save,
    shorten,
)
from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.recordings import NewRecording, Store, StoreError
from desk.region import Caller, locate
from stt.errors import AudioError
from stt.repair import mended
from stt.silence import Silence
from stt.wav import PCM

log = structlog.get_logger()

tickets_opened = Counter(
    "huisheng_calls_reconciled", "Tickets of calls that Asterisk knew and the journal did not"
)

ROUND_SECONDS = 60.0
SOON_SECONDS = 5.0  # while the dialplan serves callers: their tickets are waited for
# A call that has just ended may still be on its way from its coroutine into the journal.
QUIET = timedelta(seconds=5)
DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one round did: tickets opened, messages taken over, calls that wait, and that failed."""

    tickets: int = 0
    messages: int = 0
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What reconciliation needs to know of the line.

    Attributes:
        present: ids of every channel that Asterisk has now; raises AriError if it does not say.
        live: ids of calls that a coroutine of this process serves.
        settled: False while records of calls are on their way to the desk: then nothing is filed.
        locate: what a caller id says.
        ticket_types: `tickets.types` of config.yaml.
        told: called when messages were added that want to be transcribed.
    """

    present: Callable[[], Awaitable[Collection[str]]]
    live: Callable[[], Collection[str]]
    settled: Callable[[], bool]
    locate: Callable[[str], Caller]
    ticket_types: Mapping[str, str]
    told: Callable[[], None]
    now: Callable[[], datetime]


class Reconciler:
    """Reconciliation of one Asterisk with one desk. Belongs to the process that owns the line."""

    def __init__(
        self, db: Database, store: Store, sources: Sources, state: Path, around: Surroundings
    ) -> None:
        """`state`: the file that keeps how far the sources were taken in."""
        self._db = db
        self._store = store
        self._sources = sources
        self._state = state
        self._around = around
        self._progress: Progress | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Work now and every minute, sooner again while the dialplan serves, until cancelled. Start
        it once the calls of a former process have been taken over: what `live` names is left alone.
        """
        while True:
            try:
                await self.once()
            except (AriError, DatabaseError, OSError) as error:
                log.error("not reconciled; again in a minute", error=str(error))
            except Exception:
                # A fault of ours here must not end the line that callers talk on.
                log.exception("reconciliation failed; again in a minute")
            await asyncio.sleep(SOON_SECONDS if self._serves_alone() else ROUND_SECONDS)

    def _serves_alone(self) -> bool:
        """Whether the dialplan serves callers whose calls are not filed yet."""
        return self._progress is not None and any(
            call.fallback for call in self._progress.calls.values()
        )

    async def once(self, quiet: timedelta = QUIET) -> Reconciled:
        """One round; what was heard of within `quiet` is left for the next one.

        Raises:
            AriError, DatabaseError: nothing was filed, and nothing is lost.
            OSError: a file cannot be read or written; what was filed stays.
        """
        async with self._turn:
            return await self._round(quiet)

    async def noted(self) -> Mapping[str, Evidence]:
        """What is known now of the calls that are not settled, by their ids. Nothing is filed.

        Raises:
            OSError: a file cannot be read.
        """
        async with self._turn:
            progress, _ = await self._gathered()
            return dict(progress.calls)

    async def _gathered(self) -> tuple[Progress, Mapping[str, Path]]:
        if self._progress is None:
            self._progress = await asyncio.to_thread(load, self._state)
        now = self._around.now()
        return self._progress, await asyncio.to_thread(gather, self._sources, self._progress, now)

    async def _round(self, quiet: timedelta) -> Reconciled:
        progress, messages = await self._gathered()
        done = await self._file_all(progress, messages, quiet)
        await asyncio.to_thread(save, self._state, progress)
        await asyncio.to_thread(shorten, self._sources, progress)
        tickets_opened.inc(done.tickets)
        if done.messages:
            self._around.told()
        if done.tickets or done.messages or done.failed:
            log.warning(
                "calls that Asterisk served without us",
                tickets=done.tickets,
                messages=done.messages,
                waiting=done.waiting,
                failed=done.failed,
            )
        return done

    async def _file_all(
        self, progress: Progress, messages: Mapping[str, Path], quiet: timedelta
    ) -> Reconciled:
        if not progress.calls or not self._around.settled():
            return Reconciled(waiting=len(progress.calls))
        present = frozenset(await self._around.present())
        still = self._around.now() - quiet
        over = sorted(
            (
                call
                for call in progress.calls.values()
                if call.id not in present and call.seen_at <= still
            ),
            key=lambda call: call.received_at or call.seen_at,
        )
        # In this order: a call that ends in between is live, or the journal has its end.
        live = self._around.live()
        over = [call for call in over if call.id not in live]
        known = await self._db.read(ended, [call.id for call in over])
        tickets = taken = failed = 0
        for call in over:
            path = messages.get(call.id)
            if known.get(call.id) and path is None:
                del progress.calls[call.id]  # the ordinary case: the line has served it
                continue
            try:
                filed, message = await self._file(call, path)
            except (DatabaseError, StoreError, OSError) as error:
                log.error("call not filed yet", call=call.id, error=str(error))
                failed += 1
                continue
            except Exception:  # this call's own trouble: the others need not wait
                log.exception("call not filed", call=call.id)
                failed += 1
                continue
            tickets += filed.opened
            taken += message
            if filed.ended:
                del progress.calls[call.id]
        return Reconciled(tickets, taken, len(progress.calls) - failed, failed)

    async def _file(self, call: Evidence, path: Path | None) -> tuple[Filed, bool]:
        """File one call; what came of it, and whether it has a message."""
        message = await asyncio.to_thread(self._keep, call, path) if path is not None else None
        around = self._around
        caller = around.locate(call.caller_id)
        filed = await self._db.write(
            file_call, call, caller, message, around.ticket_types, around.now()
        )
        if path is not None:
            with contextlib.suppress(FileNotFoundError):  # put aside as damaged
                await asyncio.to_thread(path.unlink)
        log.info("call filed", call=call.id, stage=call.stage, ticket=filed.ticket_id)
        return filed, message is not None

    def _keep(self, call: Evidence, path: Path) -> NewRecording | None:
        """Bring a message into our store; None if nothing was said. Waits for the disk."""
        data = path.read_bytes()  # two minutes at most: 2 MB
        if len(data) <= HEADER_BYTES:
            return None
        name = f"fallback-{call.id}"
        try:
            data, audio = mended(data, len(data), path)
        except AudioError as error:
            log.error("message put aside", call=call.id, error=str(error))
            path.replace(path.with_name(path.name + DAMAGED))
            return None
        if audio.encoding == PCM:
            silence = Silence(audio.rate)
            silence.feed(data[audio.offset : audio.offset + audio.size])
            if not silence.broken:
                return None
        kept = self._store.keep(name, data)
        return NewRecording(
            call_id=call.id,
            name=name,
            path=kept.path,
            seconds=round(audio.seconds, 3),
            sha256=kept.sha256,
            kind="message",
            party="caller",
            leg=call.id,
            encrypted=kept.encrypted,
            bytes=kept.bytes,
        )


def reconciler_of(line: Line, sources: Sources, live: Callable[[], Collection[str]]) -> Reconciler:
    """The reconciler of a line; `live` names the calls that its coroutines serve."""
    settings = line.settings

    async def present() -> Collection[str]:
        return [channel.id for channel in await line.ari.channels.list()]

    around = Surroundings(
        present=present,
        live=live,
        settled=lambda: not line.journal.spooling,
        locate=lambda number: locate(number, settings.company.home_area_code, table=line.regions),
        ticket_types=settings.tickets.types,
        told=line.transcriptions.wake,
        now=line.now,
    )
    state = settings.state_dir / "spool" / "recovery.json"
    return Reconciler(line.db, line.vault.store, sources, state, around)
