"""Playbacks and recordings: sessions that begin before their request and end with their event."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ari_app.ari import events
from ari_app.ari.errors import AriError, DeadlineExceeded, MediaFailed
from ari_app.ari.events import Event
from ari_app.ari.http import Download
from ari_app.ari.resources.base import Repository, Resource
from ari_app.ari.snapshots import LiveRecordingSnapshot, PlaybackSnapshot, StoredRecordingSnapshot

if TYPE_CHECKING:
    from ari_app.ari.client import Client


class _Session(Resource):
    """Something that runs until its last event, which the reader hands to `finish`."""

    __slots__ = ("_end", "_error", "_waiters", "confirmed")

    def __init__(self, client: "Client", object_id: str) -> None:
        super().__init__(client, object_id)
        self.confirmed = False
        self._end: Event | None = None
        self._error: AriError | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def is_over(self) -> bool:
        """Its last event came, or it failed."""
        return self._end is not None or self._error is not None

    def finish(self, event: Event) -> None:
        """Its last event (the reader calls this)."""
        self._end = event
        self._wake()

    def fail(self, error: AriError) -> None:
        """It was refused, or its channel or bridge is gone."""
        if not self.is_over:
            self._error = error
            self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _ended(self, deadline: float | None) -> Event:
        if not self.is_over:
            within = self._client.media_deadline if deadline is None else deadline
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append(waiter)
            timer = loop.call_later(within, self._wake)
            try:
                await waiter
            finally:
                timer.cancel()
        if self._end is not None:
            return self._end
        if self._error is not None:
            raise self._error
        raise DeadlineExceeded(
            "it has not ended in time", operation=self.resource, ids={self.key: self.id}
        )


class Playback(_Session):
    """One or more sounds being played to a channel or a bridge."""

    __slots__ = ()
    resource: ClassVar[str] = "playbacks"
    key: ClassVar[str] = "playback_id"

    async def finished(self, deadline: float | None = None) -> events.PlaybackFinished:
        """Wait until all sounds were played or the playback was stopped.

        Raises:
            MediaFailed: a sound could not be played.
            ChannelGone, BridgeGone: there is nobody to play to any more.
            DeadlineExceeded: it still plays after `deadline` seconds.
        """
        event = await self._ended(deadline)
        assert isinstance(event, events.PlaybackFinished)  # noqa: S101 (the exchange's contract)
        if event.playback.state == "failed":
            raise MediaFailed(
                f"Asterisk could not play {event.playback.media_uri}",
                operation="playbacks",
                ids={"playback_id": self.id},
            )
        return event

    async def stop(self, *, wait: bool = True, deadline: float | None = None) -> None:
        """Stop it now. NotFound: it had ended already."""
        await self._send("stop", {}, wait, deadline)

    async def control(
        self,
        operation: Literal["restart", "pause", "unpause", "reverse", "forward"],
        *,
        deadline: float | None = None,
    ) -> None:
        """Pause it, wind it, start it again."""
        await self._perform("control", {"operation": operation}, deadline)

    async def get(self) -> PlaybackSnapshot:
        """What it does now."""
        snapshot: PlaybackSnapshot = await self.do("get")
        return snapshot


class Playbacks(Repository):
    """`ari.playbacks`."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client, "playbacks")

    def playback(self, playback_id: str) -> Playback:
        """A playback started elsewhere; its `finished()` hears nothing."""
        return Playback(self._client, playback_id)


class LiveRecording(_Session):
    """A recording being made. Its id is its name; journal it, Asterisk gives no list."""

    __slots__ = ()
    resource: ClassVar[str] = "recordings"
    key: ClassVar[str] = "recording_name"

    @property
    def name(self) -> str:
        """The recording's name, which is also its path under the spool folder, less the suffix."""
        return self.id

    async def finished(self, deadline: float | None = None) -> events.RecordingFinished:
        """Wait until the recording has ended and is stored.

        When the caller hangs up, the recording ends and is stored too, and this returns.

        Raises:
            MediaFailed: nothing usable was written.
            DeadlineExceeded: it still runs after `deadline` seconds.
        """
        event = await self._ended(deadline)
        if isinstance(event, events.RecordingFailed):
            raise MediaFailed(
                f"the recording failed: {event.recording.cause or 'no reason given'}",
                operation="recordings",
                ids={"recording_name": self.id},
            )
        assert isinstance(event, events.RecordingFinished)  # noqa: S101 (the exchange's contract)
        return event

    async def stop(self, *, deadline: float | None = None) -> None:
        """End it and keep the file."""
        await self._perform("stop", {}, deadline)

    async def cancel(self, *, deadline: float | None = None) -> None:
        """End it and throw the file away."""
        await self._perform("cancel", {}, deadline)

    async def pause(self, *, deadline: float | None = None) -> None:
        """Leave out what is said from now on (a card number), without silence in the file."""
        await self._perform("pause", {}, deadline)

    async def unpause(self, *, deadline: float | None = None) -> None:
        """Go on recording."""
        await self._perform("unpause", {}, deadline)

    async def mute(self, *, deadline: float | None = None) -> None:
        """Write silence from now on."""
        await self._perform("mute", {}, deadline)

    async def unmute(self, *, deadline: float | None = None) -> None:
        """Write what is said again."""
        await self._perform("unmute", {}, deadline)

    async def get(self) -> LiveRecordingSnapshot:
        """What it does now."""
        snapshot: LiveRecordingSnapshot = await self.do("get_live")
        return snapshot


class StoredRecording(Resource):
    """A finished recording in Asterisk's spool folder."""

    __slots__ = ()
    resource: ClassVar[str] = "recordings"
    key: ClassVar[str] = "recording_name"

    async def get(self) -> StoredRecordingSnapshot:
        """Its name and format."""
        snapshot: StoredRecordingSnapshot = await self.do("get_stored")
        return snapshot

    async def file(self, *, deadline: float = 30.0) -> bytes:
        """The whole file, over HTTP (the websocket refuses binary replies).

        Raises:
            MediaFailed: it has more than 64 MiB.
        """
        content = await self._perform("get_stored_file", {}, deadline)
        return content if isinstance(content, bytes) else b""

    def stream(self, *, deadline: float = 600.0) -> AbstractAsyncContextManager[Download]:
        """The file as it comes, however long: `async with recording.stream() as download`."""
        dispatcher = self._client.dispatcher
        operation = dispatcher.operation("recordings.get_stored_file")
        return dispatcher.download(operation, {self.key: self.id}, deadline)

    async def delete(self) -> None:
        """Remove the file."""
        await self._perform("delete_stored", {}, None)

    async def copy(self, destination: str) -> "StoredRecording":
        """Copy it under another name."""
        await self._perform("copy_stored", {"destination_recording_name": destination}, None)
        return StoredRecording(self._client, destination)


class Recordings(Repository):
    """`ari.recordings`."""

    def __init__(self, client: "Client") -> None:
        super().__init__(client, "recordings")

    def live(self, name: str) -> LiveRecording:
        """A recording being made, perhaps by the process before us; found only by name."""
        return LiveRecording(self._client, name)

    def stored(self, name: str) -> StoredRecording:
        """A finished recording."""
        return StoredRecording(self._client, name)

    async def list_stored(self) -> Sequence[StoredRecordingSnapshot]:
        """All finished recordings."""
        found: Sequence[StoredRecordingSnapshot] = await self.do("list_stored")
        return found


async def start_playback(
    target: Resource,
    place: Literal["channels", "bridges"],
    playback: Playback,
    values: dict[str, Any],
    wait: bool,
    deadline: float | None,
) -> Playback:
    """Register the session, then ask for it; undo the first if the second fails."""
    client = target._client
    exchange = client.exchange
    routes = exchange.channels if place == "channels" else exchange.bridges
    key = f"p{playback.id}"
    exchange.start(routes, target.id, key, playback)

    def refused(error: AriError) -> None:
        exchange.stop(routes, target.id, key)
        playback.fail(error)

    dispatcher = client.dispatcher
    operation = dispatcher.operation(f"{place}.play_with_id")
    try:
        if wait:
            await dispatcher.perform(operation, values, deadline)
        else:
            await dispatcher.post(operation, values, refused, deadline)
    except BaseException:
        exchange.stop(routes, target.id, key)
        raise
    playback.confirmed = True
    return playback


async def start_recording(
    target: Resource,
    place: Literal["channels", "bridges"],
    values: dict[str, Any],
    deadline: float | None,
) -> LiveRecording:
    """The same for a recording."""
    client = target._client
    exchange = client.exchange
    routes = exchange.channels if place == "channels" else exchange.bridges
    recording = LiveRecording(client, values["name"])
    key = f"r{recording.id}"
    exchange.start(routes, target.id, key, recording)
    try:
        operation = client.dispatcher.operation(f"{place}.record")
        await client.dispatcher.perform(operation, values, deadline)
    except BaseException:
        exchange.stop(routes, target.id, key)
        raise
    recording.confirmed = True
    return recording
