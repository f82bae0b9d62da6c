"""`Client`: one Stasis application on one Asterisk."""

import contextlib
import logging
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from ari_app.ari import events, filters
from ari_app.ari.description import Descriptions
from ari_app.ari.dispatcher import Dispatcher
from ari_app.ari.errors import (
    ApplicationReplaced,
    AriError,
    Closed,
    Unsupported,
)
from ari_app.ari.events import Event
from ari_app.ari.exchange import Exchange
from ari_app.ari.http import HttpLane
from ari_app.ari.inbox import Inbox
from ari_app.ari.intake import Intake
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
        unwanted_events: event types Asterisk shall not send; see `filters`.
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
        unwanted_events: Collection[str] = filters.UNWANTED,
        media_deadline: float = 3600.0,
    ) -> None:
        self.application = application
        self.media_deadline = media_deadline
        self.unwanted_events = filters.checked(unwanted_events)
        self.exchange = Exchange(self._arrived)
        self.intake = Intake(self.exchange.feed, self._lost)
        self.reconciliation = Reconciliation()
        self._http = HttpLane(url, username, password, connections)
        pace = Pace(deadline, startup_deadline, heartbeat, reconnect_first, reconnect_most)
        self._link = Link(
            self._http,
            application,
            pace,
            feed=self.intake.feed,
            settle=self._settle,
            broke=self.exchange.doubt,
        )
        self.dispatcher = Dispatcher(self._http, self.exchange, lambda: self._link.lane, deadline)
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
        await self.dispatcher.aclose()

    def _end(self, error: AriError) -> None:
        self.dispatcher.end(error)
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
            self.dispatcher.aside(self.channel(start.channel.id).continue_in_dialplan(), "return")

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
        return await self.dispatcher.call(name, deadline=deadline, **values)

    @property
    def descriptions(self) -> Descriptions:
        """The operations this Asterisk describes."""
        return self.dispatcher.descriptions

    @property
    def malformed(self) -> int:
        """How many messages were no event, or could not be delivered."""
        return self.intake.malformed

    @property
    def refused(self) -> int:
        """How many requests failed that nobody waited for."""
        return self.dispatcher.refused

    # -- called by the link --------------------------------------------------------------------

    def _lost(self) -> ApplicationReplaced:
        self._replaced = ApplicationReplaced(
            "another process took the application", ids={"application": self.application}
        )
        log.critical("%s", self._replaced)
        self._end(self._replaced)
        return self._replaced

    async def _settle(self, lane: SocketLane) -> None:
        await self.dispatcher.describe()
        await self.call(
            "applications.filter",
            application_name=self.application,
            filter=filters.filter_body(self.unwanted_events),
        )
        found = await reconcile(self.call, self.exchange, self.application)
        self.reconciliation = found
        for channel in found.adopted:
            if not self._adopted.put(channel):
                log.error("too many channels wait for adoption; %s is left alone", channel.id)
        if found.gone or found.entered or found.adopted or found.ended_media:
            log.warning(
                "reconciled: %d channels gone, %d entered, %d unknown, "
                "%d playbacks or recordings ended",
                len(found.gone),
                len(found.entered),
                len(found.adopted),
                len(found.ended_media),
            )
