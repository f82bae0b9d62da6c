"""A talk as data: who is in it and how, so that the journal can hold it and a restart go on."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

Role = Literal["agent", "consulted", "joining", "supervisor"]
"""`agent`: talks with the caller. `consulted`: was asked by the agent, who may hand the caller
over. `joining`: is rung to join the talk. `supervisor`: hears it, and may whisper to the agent."""

Mode = Literal["", "listen", "whisper"]
Recorded = Literal["on", "paused", "off", "refused"]


class Tapped(msgspec.Struct):
    """One party's audio, taken once: a snoop channel in a bridge of its own, which is recorded.

    `since` is when it began (ISO 8601, UTC); `pauses` are seconds from its beginning, the last one
    open while `paused`.
    """

    channel: str
    party: str
    snoop: str
    bridge: str
    since: str
    recording: str = ""
    media: str = ""
    pauses: list[list[float]] = []
    paused: bool = False
    complete: bool = True  # every word was heard live so far


class Leg(msgspec.Struct):
    """The telephone of one agent in this talk. `snoop` and `bridge` are a supervisor's ear."""

    id: str
    extension: str
    role: Role
    up: bool = False
    mode: Mode = ""
    snoop: str = ""
    bridge: str = ""
    since: str = ""


class Conversation(msgspec.Struct):
    """Who talks with the caller, in which bridge, and what is going on besides.

    `led_on`: the talk ends, and the caller goes to the queue.
    """

    bridge: str
    legs: dict[str, Leg] = {}
    held: bool = False
    led_on: bool = False
    recorded: Recorded = "off"
    taps: dict[str, Tapped] = {}

    @classmethod
    def restore(cls, state: Any) -> "Conversation":
        """What `as_state` gave."""
        return msgspec.convert(state, cls)

    def as_state(self) -> dict[str, Any]:
        """Plain values for the journal."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def agents(self) -> list[Leg]:
        """Those who talk with the caller."""
        return [leg for leg in self.legs.values() if leg.role == "agent"]

    def consulted(self) -> Leg | None:
        """Whom the agent asks meanwhile."""
        return next((leg for leg in self.legs.values() if leg.role == "consulted"), None)

    def of(self, extension: str) -> Leg | None:
        """This extension's leg."""
        return next((leg for leg in self.legs.values() if leg.extension == extension), None)

    def channels(self) -> Iterator[str]:
        """The ids of all channels that the talk owns, the caller's apart."""
        for leg in self.legs.values():
            yield leg.id
            if leg.snoop:
                yield leg.snoop
        for tap in self.taps.values():
            yield tap.snoop
            if tap.media:
                yield tap.media

    def bridges(self) -> Iterator[str]:
        """The ids of all bridges that the talk owns."""
        yield self.bridge
        yield from (leg.bridge for leg in self.legs.values() if leg.bridge)
        yield from (tap.bridge for tap in self.taps.values())
