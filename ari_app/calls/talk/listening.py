"""What is kept of a talk: each party's recording and words, as long as both are allowed."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from ari_app.ari import AriError, Channel, NotFound
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.talk.conversation import Conversation, Tapped
from ari_app.calls.talk.talk_records import heard
from ari_app.calls.talk.tap import (
    attach_ear,
    close_tap,
    detach_ear,
    new_tap,
    open_tap,
    pause_tap,
    resume_tap,
)
from ari_app.queue import Need
from desk.api.control import TranscriptState
from desk.utterances import NewUtterance
from stt.errors import SpeechError
from stt.live import LiveStream, Utterance, read_media

log = structlog.get_logger()

RATE = 8000
PARTY = "party"  # the kind of a recording of one party of a talk
CALLER = "caller"  # how transcripts and recordings name the caller; agents are agent:8001
OPEN_SECONDS = 3.0
WORDS_SECONDS = 10.0  # for the last words, once the party is gone
A_SECOND = 100  # numbers of utterances that a second may take


class Listening:
    """The taps of one talk. Nothing here can fail the talk: what is not heard live is transcribed
    from the recording, and what is not recorded is told to the operators."""

    def __init__(self, call: Call, line: Line, state: Conversation) -> None:
        self._call = call
        self._line = line
        self._state = state
        self._ears: dict[str, Ear] = {}

    async def begin(self, channel: Channel, party: str) -> None:
        """Listen to a party; to one whom a former process listened to, listen on."""
        if self._state.recorded == "refused" or channel.id in self._ears:
            return
        until = asyncio.get_running_loop().time() + OPEN_SECONDS
        ear = Ear.open(self._call, self._line, party, channel.id)
        try:
            async with asyncio.timeout_at(until):
                tap = await self._tap(channel, party, ear)
            if ear is not None and tap is not None:
                async with asyncio.timeout_at(until):
                    await attach_ear(self._line, tap, partial(ear.hear, tap))
                self._ears[channel.id] = ear
                ear = None
        except (AriError, TimeoutError, KeyError) as error:
            log.error("party is not listened to", call=self._call.id, party=party, error=str(error))
        finally:
            if ear is not None:
                self._deafen(channel.id, ear)

    async def _tap(self, channel: Channel, party: str, ear: "Ear | None") -> Tapped | None:
        """The party's tap, which rests where the talk's recording does; None: none is wanted.

        Raises:
            AriError: there is none, so that nothing is recorded that should not be.
        """
        tap = self._state.taps.get(channel.id)
        if tap is not None:
            tap.complete = False  # nobody heard what was said meanwhile
            if tap.recording and await _is_paused(self._line, tap):
                self._state.recorded, self._call.private = "paused", True
        elif self._call.recorded == "on" or ear is not None:
            tap = new_tap(channel, party)
            tap.complete = ear is not None
            kept = self._call.recorded == "on"
            name = f"party-{self._call.id}-{self._state.bridge}-{channel.id}" if kept else ""
            await open_tap(self._line, tap, name, paused=self._state.recorded == "paused")
            self._state.taps[channel.id] = tap
        if self._state.recorded == "paused":
            if ear is not None:
                ear.pause()
            await self._pause()
        return tap

    def _deafen(self, channel_id: str, ear: "Ear") -> None:
        """An ear that hears nothing: the recording says what was said."""
        tap = self._state.taps.get(channel_id)
        if tap is not None:
            tap.complete = False
        self._chore(_let_go(self._line, tap, ear), f"deaf {channel_id}")

    async def pause(self) -> None:
        """Keep nothing from now on. Raises AriError where a recording cannot be paused: none is
        then, unless going on fails too.
        """
        try:
            await self._pause()
        except AriError:
            with contextlib.suppress(AriError):
                await self.resume()
            raise

    async def _pause(self) -> None:
        for ear in self._ears.values():
            ear.pause()
        for tap in self._state.taps.values():
            await pause_tap(self._line, tap, self._line.now())

    async def resume(self) -> None:
        """Keep what is said again. Raises AriError where a recording cannot: all rest then."""
        try:
            for tap in self._state.taps.values():
                await resume_tap(self._line, tap, self._line.now())
        except AriError:
            with contextlib.suppress(AriError):
                await self._pause()
            raise
        self._state.recorded, self._call.private = self._call.recorded, False
        for ear in self._ears.values():
            ear.resume()

    def end(self, channel_id: str) -> None:
        """A party has left: end its tap, in a task that the wrap-up waits for."""
        tap = self._state.taps.pop(channel_id, None)
        ear = self._ears.pop(channel_id, None)
        if tap is None:
            return
        piece = {
            "kind": PARTY,
            "name": tap.recording,
            "party": tap.party,
            "leg": channel_id,
            "since": tap.since,
            "pauses": tap.pauses,
            "live": False,  # until the last words are there
        }
        if tap.recording:
            self._call.pieces.append(piece)
        self._chore(self._close(tap, ear, piece), f"tap {channel_id}")

    def _chore(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._call.chores.append(asyncio.create_task(work, name=name))

    async def _close(self, tap: Tapped, ear: "Ear | None", piece: dict[str, object]) -> None:
        await close_tap(self._line, tap)
        if ear is not None:
            piece["live"] = await ear.finish() and tap.complete

    @property
    def transcript(self) -> TranscriptState:
        """How the transcript is made: live, afterwards, or off."""
        if not self._state.taps:
            return "off"
        return "live" if len(self._ears) == len(self._state.taps) else "afterwards"


async def _let_go(line: Line, tap: Tapped | None, ear: "Ear") -> None:
    if tap is not None:
        await detach_ear(line, tap)
    await ear.finish()


async def _is_paused(line: Line, tap: Tapped) -> bool:
    """Asterisk's own word: a crash may have come between its pause and our record of it."""
    try:
        return (await line.ari.recordings.live(tap.recording).get()).state == "paused"
    except NotFound:
        return tap.paused


class Ear:
    """A live stream of one party, whose words go to the desk and to whoever watches."""

    def __init__(self, call: Call, line: Line, party: str, leg: str) -> None:
        self._call, self._line, self._party, self._leg = call, line, party, leg
        self._began = line.now()
        self._number = 0
        self._reading: asyncio.Task[None] | None = None
        self._held: list[NewUtterance] = []
        self.stream: LiveStream

    @classmethod
    def open(cls, call: Call, line: Line, party: str, leg: str) -> "Ear | None":
        """None where nothing is heard live, or the machine is full."""
        live = line.hearing.live
        if live is None:
            return None
        ear = cls(call, line, party, leg)
        need = Need.from_dict(call.state.get("need", {}))
        key = line.hearing.engine_for(call.caller, team=need.team, language=need.language)
        stream = live.open(key, RATE, on_partial=ear._partial, on_utterance=ear._utterance)
        if stream is None:
            return None
        ear.stream = stream
        return ear

    def hear(self, tap: Tapped, url: str) -> None:
        """Read the audio from Asterisk from now on."""
        self._began = self._line.now()
        # Beyond all numbers that a former process can have given.
        heard_for = self._began - datetime.fromisoformat(tap.since)
        self._number = int(heard_for.total_seconds() * A_SECOND)
        self._reading = asyncio.create_task(read_media(url, self.stream), name=f"ear {self._leg}")

    def pause(self) -> None:
        """Hear nothing."""
        self.stream.pause()

    def resume(self) -> None:
        """Hear again, and tell what was said before the pause and understood since."""
        self.stream.resume()
        self._tell()

    def _tell(self) -> None:
        held, self._held = self._held, []
        for said in held:
            self._line.journal.record(self._call, heard(said))

    async def finish(self) -> bool:
        """Wait for the last words; whether every word was heard and told."""
        read = True
        if self._reading is not None:
            try:
                async with asyncio.timeout(WORDS_SECONDS):
                    await self._reading
            except (SpeechError, TimeoutError) as error:
                log.warning("audio lost", call=self._call.id, leg=self._leg, error=str(error))
                read = False
        complete = (await self.stream.finish(WORDS_SECONDS)).complete and read
        if self._call.private and self._held:
            return False
        self._tell()
        return complete

    def _partial(self, text: str) -> None:
        if not self._call.private:
            self._line.publish(
                "utterance.partial",
                self._call.id,
                {
                    "party": self._party,
                    "leg": self._leg,
                    "number": self._number + 1,
                    "text": text,
                },
            )

    def _utterance(self, said: Utterance) -> None:
        self._number += 1
        new = NewUtterance(
            call_id=self._call.id,
            leg=self._leg,
            number=self._number,
            party=self._party,
            at=self._began + timedelta(seconds=said.start),
            start=said.start,
            end=said.end,
            text=said.text,
            words=[asdict(word) for word in said.words],
            confidence=said.confidence,
            engine=self.stream.engine.name,
            live=True,
        )
        self._held.append(new)
        if not self._call.private:
            self._tell()
