"""`Client`: one Stasis application on one Asterisk."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import msgspec

from ari_app.ari import events
from ari_app.ari.decoding import MalformedError, decode
from ari_app.ari.description import Descriptions, Operation, plain
from ari_app.ari.errors import (
    ApplicationReplaced,
    AriError,
    Closed,
    Disconnected,
    NotFound,
    Unsupported,
)
from ari_app.ari.events import Event
from ari_app.ari.exchange import Exchange
from ari_app.ari.http import HttpLane
from ari_app.ari.inbox import Inbox
from ari_app.ari.lanes import Lane
from ari_app.ari.link import Link, Pace
from ari_app.ari.listening import BOUND, Events, Subscription
from ari_app.ari.reconcile import Reconciliation, reconcile
from ari_app.ari.resources import (
    Applications,
    Asterisk,
    Bridge,
    Bridges,
    Channel,
    Channels,
    Playbacks,
    Recordings,
    Repository,
)
from ari_app.ari.snapshots import ChannelSnapshot
from ari_app.ari.socket import SocketLane

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Event)

UNWANTED = (
    "ChannelVarset",
    "ChannelDialplan",
    "ChannelCallerId",
    "ChannelConnectedLine",
    "ChannelStateChange",
    "ChannelCreated",
    "PlaybackStarted",
    "PlaybackContinuing",
    "DeviceStateChanged",
)
NEVER_UNWANTED = frozenset(
    {"RESTResponse", "StasisStart", "StasisEnd", "ChannelDestroyed", "PlaybackFinished",
     "RecordingFinished", "RecordingFailed", "BridgeDestroyed", "ApplicationReplaced"}
)  # fmt: skip


class Client:
    """Connects with `async with`, gives arrivals and resources, and undoes everything at the end.

    Args:
        url: where ARI is, for example "http://127.0.0.1:8088/ari".
        username, password: a user of ari.conf that is not read-only.
        application: the name used in `Stasis(name)`.
        deadline: seconds that a request may take, unless it is given its own.
        startup_deadline: seconds that the first connect may take, Asterisk starting included.
        heartbeat: seconds between two pings over the websocket.
        connections: at most so many HTTP connections.
        arrivals: at most so many channels wait for `arrivals()`; one more goes back to its
            dialplan, which serves it alone.
        unwanted_events: event types Asterisk shall not send. Always a deny-list: an allow-list
            that forgets RESTResponse swallows every reply.
        media_deadline: seconds that `Playback.finished()` and the like wait by default.
    """

    def __init__(
        self,
        *,
        url: str,
        username: str,
        password: str,
        application: str,
        deadline: float = 5.0,
        startup_deadline: float = 10.0,
        heartbeat: float = 5.0,
        reconnect_first: float = 0.1,
        reconnect_most: float = 5.0,
        connections: int = 64,
        arrivals: int = 1000,
        unwanted_events: Collection[str] = UNWANTED,
        media_deadline: float = 3600.0,
    ) -> None:
        if needed := NEVER_UNWANTED.intersection(unwanted_events):
            raise ValueError(f"the client cannot work without the events {sorted(needed)}")
        self.application = application
        self.deadline = deadline
        self.media_deadline = media_deadline
        self.unwanted_events = tuple(unwanted_events)
        self.descriptions = Descriptions(())
        self.exchange = Exchange(self._arrived)
        self.malformed = 0
        self.unknown = 0
        self.refused = 0
        self.reconciliation = Reconciliation()
        self._said: set[str] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._http = HttpLane(url, username, password, connections)
        pace = Pace(deadline, startup_deadline, heartbeat, reconnect_first, reconnect_most)
        self._link = Link(
            self._http,
            application,
            pace,
            feed=self._feed,
            settle=self._settle,
            broke=self.exchange.doubt,
        )
        self._arrivals: Inbox[events.StasisStart] = Inbox(arrivals)
        self._adopted: Inbox[ChannelSnapshot] = Inbox(arrivals)
        self._replaced: ApplicationReplaced | None = None
        self._stack = contextlib.AsyncExitStack()
        self.channels = Channels(self)
        self.bridges = Bridges(self)
        self.playbacks = Playbacks(self)
        self.recordings = Recordings(self)
        self.applications = Applications(self)
        self.asterisk = Asterisk(self)

    # -- life --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._http)
            stack.push_async_callback(self._stop)
            await self._link.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _stop(self) -> None:
        self._end(self._replaced or Closed("the ARI client was closed"))
        await self._link.stop()
        for chore in tuple(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def _end(self, error: AriError) -> None:
        self.exchange.end(error)
        self._arrivals.end(error)
        self._adopted.end(error)

    @property
    def is_connected(self) -> bool:
        """Connected, filtered and reconciled."""
        return self._link.is_up

    @property
    def connects(self) -> int:
        """How often a websocket was opened."""
        return self._link.connects

    @property
    def in_flight(self) -> int:
        """Requests over the websocket without a reply yet."""
        return self._link.lane.in_flight if self._link.lane is not None else 0

    async def wait_connected(self, deadline: float) -> bool:
        """True as soon as the client is connected, False if not within `deadline` seconds."""
        return await self._link.wait_up(deadline)

    async def wait_lost(self) -> None:
        """Return when the client has been closed.

        Raises:
            ApplicationReplaced: another process owns the line; give the alarm and stop.
        """
        await self._link.wait_end()
        if self._replaced is not None:
            raise self._replaced

    # -- channels that come in -----------------------------------------------------------------

    def arrivals(self) -> Inbox[events.StasisStart]:
        """`async for start in ari.arrivals()`: channels that entered and that we did not make.

        Ends when the client is closed; raises ApplicationReplaced.
        """
        return self._arrivals

    def adopted(self) -> Inbox[ChannelSnapshot]:
        """`async for channel in ari.adopted()`: channels of this application that were already
        there when the client connected, so no StasisStart tells of them.
        """
        return self._adopted

    def _arrived(self, start: events.StasisStart) -> None:
        if not self._arrivals.put(start):
            log.error("too many arrivals wait; %s goes back to its dialplan", start.channel.id)
            self._aside(self.channel(start.channel.id).continue_in_dialplan(), "return")

    def abandon(self, channel_id: str) -> None:
        """Hang up, aside, a channel that we asked for and of which no reply came."""
        self._aside(self._abandon(channel_id), "abandon")

    async def _abandon(self, channel_id: str) -> None:
        try:
            await self.channel(channel_id).hangup()
        except NotFound:
            self.exchange.forget(channel_id)

    def _aside(self, chore: Coroutine[Any, Any, None], name: str) -> None:
        """Run a short request that nobody waits for; the client owns its task."""

        async def run() -> None:
            try:
                await chore
            except AriError as error:
                self._refused(error)

        task = asyncio.create_task(run(), name=f"ari-{name}")
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    # -- resources -----------------------------------------------------------------------------

    def channel(self, channel_id: str) -> Channel:
        """The channel with this id; asks nothing of Asterisk."""
        return Channel(self, channel_id)

    def bridge(self, bridge_id: str) -> Bridge:
        """The bridge with this id; asks nothing of Asterisk."""
        return Bridge(self, bridge_id)

    def resource(self, name: str) -> Repository:
        """The operations of any resource Asterisk describes: "sounds", "mailboxes", ….

        Raises:
            Unsupported: Asterisk describes no such resource.
        """
        if name not in self.descriptions.resources:
            raise Unsupported(
                f"no resource {name!r}; there are: {', '.join(self.descriptions.resources)}"
            )
        return Repository(self, name)

    @overload
    def listen(
        self, *, channels: Sequence[str] = (), bridges: Sequence[str] = (), bound: int = BOUND
    ) -> Events[Event]: ...
    @overload
    def listen(
        self,
        *types: type[E],
        channels: Sequence[str] = (),
        bridges: Sequence[str] = (),
        bound: int = BOUND,
    ) -> Events[E]: ...
    def listen(
        self,
        *types: type[Event],
        channels: Sequence[str] = (),
        bridges: Sequence[str] = (),
        bound: int = BOUND,
    ) -> Events[Any]:
        """A queue of the events of several channels and bridges; of everything if none is named.

        `with ari.listen(StasisStart, Dial, channels=[a, b]) as events:`; no types: all types.
        Ends when all the channels and bridges are gone.
        """
        until = (*channels, *bridges)
        return Events(self.exchange, types, tuple(channels), tuple(bridges), until, bound)

    def on(
        self,
        call: Callable[[Event], None],
        *types: type[Event],
        channels: Sequence[str] = (),
        bridges: Sequence[str] = (),
        ended: Callable[[AriError], None] | None = None,
    ) -> Subscription:
        """Call a function for events, without a queue; see `Subscription`. Open it, close it."""
        until = (*channels, *bridges)
        return Subscription(
            self.exchange, types, tuple(channels), tuple(bridges), until, call, ended
        )

    # -- requests ------------------------------------------------------------------------------

    async def call(self, name: str, /, *, deadline: float | None = None, **values: Any) -> Any:
        """Any operation by name: `await ari.call("channels.rtpstatistics", channel_id=…)`.

        Raises:
            Unsupported: Asterisk does not describe it.
            TypeError, ValueError: a parameter is wrong; nothing was sent.
            AriError: Asterisk refused, or did not answer.
        """
        operation = self.operation(name)
        return operation.result(await self.perform(operation, values, deadline))

    def operation(self, name: str) -> Operation:
        """The operation Asterisk describes under this name."""
        operation = self.descriptions.operations.get(name)
        if operation is None:
            raise Unsupported(f"this Asterisk describes no operation {name!r}", operation=name)
        return operation

    async def perform(
        self, operation: Operation, values: Mapping[str, Any], deadline: float | None = None
    ) -> bytes | str | None:
        """Check, send by the right lane and wait for the reply's body."""
        if self._replaced is not None:
            raise self._replaced
        request = operation.request(values)
        within = self.deadline if deadline is None else deadline
        socket = self._socket_for(operation.lane, values)
        if socket is not None:
            return await socket.perform(request, within)
        return await self._http.perform(request, within)

    async def post(
        self,
        operation: Operation,
        values: Mapping[str, Any],
        refused: Callable[[AriError], None] | None = None,
        deadline: float | None = None,
    ) -> None:
        """Send and return at once if the request may take the websocket, else wait like `perform`.

        Requests posted one after the other are executed in that order. A refusal is told to
        `refused`, or logged and counted.
        """
        if self._replaced is not None:
            raise self._replaced
        socket = self._socket_for(operation.lane, values)
        if socket is None:
            await self.perform(operation, values, deadline)
            return
        request = operation.request(values)
        within = self.deadline if deadline is None else deadline
        await socket.post(request, within, refused or self._refused)

    def _refused(self, error: AriError) -> None:
        self.refused += 1
        if not isinstance(error, NotFound | Closed):  # the caller hung up first: no news
            log.warning("a request nobody waits for failed: %s", error)

    def _socket_for(self, lane: Lane, values: Mapping[str, Any]) -> SocketLane | None:
        socket = self._link.lane
        if lane is Lane.HTTP or socket is None or not socket.is_open:
            return None
        if lane is Lane.QUIET and not self.exchange.is_quiet(values["channel_id"]):
            return None
        return socket

    # -- called by the link --------------------------------------------------------------------

    def _feed(self, lane: SocketLane, message: bytes) -> None:
        try:
            event = decode(message)
        except MalformedError as error:
            self.malformed += 1
            self._say_once(error.name, "ignored a malformed message from Asterisk: %s", error)
            return
        if type(event) is events.RestResponse:
            lane.replied(event)
            return
        if type(event) is events.ApplicationReplacedEvent:
            self._replaced = ApplicationReplaced(
                "another process took the application", ids={"application": self.application}
            )
            log.critical("%s", self._replaced)
            self._end(self._replaced)
            raise self._replaced
        if type(event) is events.OtherEvent:
            self.unknown += 1
            self._say_once(event.name, "Asterisk sends an event type unknown here: %s", event.name)
        try:
            self.exchange.feed(event)
        except Exception:  # one bad event must not end the reader of all calls
            self.malformed += 1
            log.exception("could not handle the event %s", event)

    def _say_once(self, name: str, message: str, about: object) -> None:
        if name not in self._said and len(self._said) < 1000:
            self._said.add(name)
            log.warning(message, about)

    async def _settle(self, lane: SocketLane) -> None:
        if not self.descriptions.operations:
            self.descriptions = await self._describe()
        # both lists every time: Asterisk keeps the one that a PUT leaves out
        unwanted = {"allowed": [], "disallowed": [{"type": t} for t in self.unwanted_events]}
        await self.call("applications.filter", application_name=self.application, filter=unwanted)
        found = await reconcile(self.call, self.exchange, self.application)
        self.reconciliation = found
        for channel in found.adopted:
            if not self._adopted.put(channel):
                log.error("too many channels wait for adoption; %s is left alone", channel.id)
        if found.gone or found.adopted or found.ended_media:
            log.warning(
                "reconciled: %d channels gone, %d unknown, %d playbacks or recordings ended",
                len(found.gone),
                len(found.adopted),
                len(found.ended_media),
            )

    async def _describe(self) -> Descriptions:
        documents: dict[str, Any] = {}
        listed = await self._document("resources")
        for api in listed["apis"]:
            name = api["path"].rpartition("/")[2].removesuffix(".{format}")
            documents[name] = await self._document(name)
        return Descriptions.parse(documents)

    async def _document(self, name: str) -> Any:
        request = plain("api-docs", f"api-docs/{name}.json")
        try:
            body = await self._http.perform(request, self.deadline)
            return msgspec.json.decode(body)
        except NotFound as error:
            raise Disconnected(
                f"Asterisk does not serve its resource description {name}.json yet, or its "
                "rest-api folder is missing from astdatadir",
                operation="api-docs",
            ) from error
