"""The exchange: takes every event once and tells it to whom it concerns.

It also keeps what must be known about each channel: whether it is in our application, whether we
made it, and what we started on it (so that a request which would wait takes the other lane).
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from ari_app.ari import events
from ari_app.ari.decoding import concrete
from ari_app.ari.errors import AriError, BridgeGone, ChannelGone
from ari_app.ari.events import Event
from ari_app.ari.listening import Listener

log = logging.getLogger(__name__)
DEPARTED = 1024  # last events remembered of channels that left, for a listener that comes late


class Session(Protocol):
    """A playback or recording that somebody may wait for."""

    confirmed: bool  # Asterisk said it exists

    def finish(self, event: Event) -> None:
        """Its last event."""

    def fail(self, error: AriError) -> None:
        """It ended without one."""


class Route:
    """One channel or bridge that somebody listens to or that is in our application."""

    __slots__ = ("ident", "listeners", "made", "ours", "present", "running", "surely_quiet")

    def __init__(self, ident: str) -> None:
        self.ident = ident
        self.listeners: tuple[Listener, ...] = ()
        self.present = False  # in the application, as far as we were told
        self.ours = False  # asked for by this client
        self.made = False  # and Asterisk said it exists
        self.surely_quiet = False  # we saw it arrive and saw everything since
        self.running: dict[str, Session] = {}  # by "p" + playback id, "r" + recording name

    @property
    def idle(self) -> bool:
        """Nothing is left to remember."""
        return not (self.listeners or self.present or self.ours or self.running)


class Exchange:
    """Routes by channel id and bridge id. Everything here runs in the reader, without waiting."""

    def __init__(self, arrive: Callable[[events.StasisStart], None]) -> None:
        self.channels: dict[str, Route] = {}
        self.bridges: dict[str, Route] = {}
        self._everything: tuple[Listener, ...] = ()
        self._arrive = arrive
        self._departed: dict[str, Event] = {}
        self.failed_listeners = 0

    # -- listeners ---------------------------------------------------------------------------

    def add(self, listener: Listener, channels: Iterable[str], bridges: Iterable[str]) -> None:
        """Tell `listener` the events of these channels and bridges; of everything if none."""
        anywhere = True
        for routes, ids in ((self.channels, channels), (self.bridges, bridges)):
            for ident in ids:
                anywhere = False
                route = routes.get(ident)
                if route is None:
                    if routes is self.channels and ident in self._departed:
                        self._tell((listener,), self._departed[ident])
                        listener.gone(ident, _gone(self._departed[ident], ident))
                        continue
                    route = routes[ident] = Route(ident)
                route.listeners = (*route.listeners, listener)
        if anywhere:
            self._everything = (*self._everything, listener)

    def remove(self, listener: Listener, channels: Iterable[str], bridges: Iterable[str]) -> None:
        """Undo `add`."""
        anywhere = True
        for routes, ids in ((self.channels, channels), (self.bridges, bridges)):
            for ident in ids:
                anywhere = False
                route = routes.get(ident)
                if route is not None:
                    route.listeners = _without(route.listeners, listener)
                    if route.idle:
                        del routes[ident]
        if anywhere:
            self._everything = _without(self._everything, listener)

    # -- what we do ourselves ----------------------------------------------------------------

    def expect(self, channel_id: str) -> None:
        """A request of ours makes this channel: its StasisStart is no arrival."""
        self.channel(channel_id).ours = True

    def made(self, channel_id: str) -> None:
        """The request that makes it succeeded."""
        route = self.channels.get(channel_id)
        if route is not None:
            route.made = True

    def adopt(self, channel_id: str) -> None:
        """A channel of our application that we did not see arriving."""
        self.channel(channel_id).present = True

    def forget(self, channel_id: str) -> None:
        """The request that should make it failed."""
        route = self.channels.get(channel_id)
        if route is not None:
            route.ours = route.made = False
            self._drop_if_idle(self.channels, route)

    def channel(self, channel_id: str) -> Route:
        """The channel's route, made if need be."""
        route = self.channels.get(channel_id)
        if route is None:
            route = self.channels[channel_id] = Route(channel_id)
        return route

    def start(self, routes: dict[str, Route], ident: str, key: str, session: Session) -> None:
        """A playback or recording is about to be asked for on this channel or bridge."""
        route = routes.get(ident)
        if route is None:
            route = routes[ident] = Route(ident)
        route.running[key] = session

    def stop(self, routes: dict[str, Route], ident: str, key: str) -> Session | None:
        """It ended, or was refused."""
        route = routes.get(ident)
        if route is None:
            return None
        session = route.running.pop(key, None)
        self._drop_if_idle(routes, route)
        return session

    def is_quiet(self, channel_id: str) -> bool:
        """We know the channel since it arrived, and nothing we started runs on it."""
        route = self.channels.get(channel_id)
        return route is not None and route.surely_quiet and not route.running

    def believed(self) -> frozenset[str]:
        """Channels that, as far as we know, exist and belong to our application."""
        return frozenset(ident for ident, r in self.channels.items() if r.present or r.made)

    def awaited(self) -> frozenset[str]:
        """Channels that we have asked for and whose entry into our application was not told."""
        return frozenset(ident for ident, r in self.channels.items() if r.ours and not r.present)

    def running(self) -> list[tuple[str, str]]:
        """(key, target uri) of every playback and recording that was started and has not ended."""
        return [
            (key, f"{kind}:{ident}")
            for kind, routes in (("channel", self.channels), ("bridge", self.bridges))
            for ident, route in routes.items()
            for key, session in route.running.items()
            if session.confirmed
        ]

    def doubt(self) -> None:
        """Events may have been lost: no channel is surely quiet any more."""
        for route in self.channels.values():
            route.surely_quiet = False

    def end(self, error: AriError) -> None:
        """The client ends: every listener and session hears why."""
        for routes in (self.channels, self.bridges):
            for route in list(routes.values()):
                self._end_route(route, error)
            routes.clear()
        for listener in self._everything:
            listener.end(error)
        self._everything = ()

    # -- events ------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Tell one event to everybody it concerns, and remember what it means."""
        kind = type(event)
        if kind is events.StasisStart:
            self._started(event)  # type: ignore[arg-type]
            return
        if kind in _ENDS_MEDIA:
            self._media_ended(event)
        for ident in event.channel_ids():
            route = self.channels.get(ident)
            if route is not None:
                self._tell(route.listeners, event)
                if event.final:
                    self._left(route, event)
        if kind in _OF_BRIDGES:
            for ident in event.bridge_ids():
                route = self.bridges.get(ident)
                if route is not None:
                    self._tell(route.listeners, event)
                    if kind is events.BridgeDestroyed:
                        self.bridges.pop(ident, None)
                        self._end_route(route, BridgeGone("destroyed", ids={"bridge_id": ident}))
        if self._everything:
            self._tell(self._everything, event)

    def _started(self, event: events.StasisStart) -> None:
        self._departed.pop(event.channel.id, None)
        route = self.channel(event.channel.id)
        arrival = not route.ours and not route.present
        route.present = True
        route.surely_quiet = True
        self._tell((*route.listeners, *self._everything), event)
        if arrival:
            self._arrive(event)

    def _media_ended(self, event: Event) -> None:
        if isinstance(event, events.PlaybackEvent):
            key = f"p{event.playback.id}"
        elif isinstance(event, events.RecordingEvent):
            key = f"r{event.recording.name}"
        else:
            return
        for routes, ids in (
            (self.channels, event.channel_ids()),
            (self.bridges, event.bridge_ids()),
        ):
            for ident in ids:
                route = routes.get(ident)
                session = route.running.pop(key, None) if route is not None else None
                if session is not None:
                    session.finish(event)

    def _left(self, route: Route, event: Event) -> None:
        route.present = route.ours = route.made = route.surely_quiet = False
        self._end_route(route, _gone(event, route.ident))
        self.channels.pop(route.ident, None)
        if len(self._departed) >= DEPARTED:
            del self._departed[next(iter(self._departed))]
        self._departed[route.ident] = event

    def _end_route(self, route: Route, error: AriError) -> None:
        sessions = list(route.running.values())
        route.running.clear()
        for session in sessions:
            session.fail(error)
        listeners, route.listeners = route.listeners, ()
        for listener in listeners:
            try:
                if isinstance(error, _GONE):
                    listener.gone(route.ident, error)
                else:
                    listener.end(error)
            except Exception:  # as in _tell
                self.failed_listeners += 1
                log.exception("a listener failed at its end")

    def _drop_if_idle(self, routes: dict[str, Route], route: Route) -> None:
        if route.idle:
            routes.pop(route.ident, None)

    def _tell(self, listeners: tuple[Listener, ...], event: Event) -> None:
        for listener in listeners:
            try:
                listener.put(event)
            except Exception:  # a listener's mistake must not silence the others
                self.failed_listeners += 1
                log.exception("a listener failed on %s", event.type)


def _gone(event: Event, channel_id: str) -> ChannelGone:
    return ChannelGone(
        "the channel left the application", operation=event.type, ids={"channel_id": channel_id}
    )


_GONE = (ChannelGone, BridgeGone)
_OF_BRIDGES = frozenset(kind for kind in concrete(Event) if kind.bridge_ids is not Event.bridge_ids)
_ENDS_MEDIA = frozenset({events.PlaybackFinished, events.RecordingFinished, events.RecordingFailed})


def _without(listeners: tuple[Listener, ...], listener: Listener) -> tuple[Listener, ...]:
    return tuple(one for one in listeners if one is not listener)
