"""The intake: takes every message of the websocket, and no message can stop it."""

import logging
from collections.abc import Callable

from ari_app.ari import events
from ari_app.ari.decoding import MalformedError, decode
from ari_app.ari.errors import ApplicationReplaced
from ari_app.ari.events import Event
from ari_app.ari.socket import SocketLane

log = logging.getLogger(__name__)
_KINDS_TOLD = 1000


class Intake:
    """Decodes, hands replies to their requests and events to `deliver`.

    Attributes:
        malformed: messages that were no event, or that could not be delivered.
        unknown: events of types that this client does not know.
    """

    def __init__(
        self,
        deliver: Callable[[Event], None],
        replaced: Callable[[], ApplicationReplaced],
    ) -> None:
        self.malformed = 0
        self.unknown = 0
        self._deliver = deliver
        self._replaced = replaced
        self._told: set[str] = set()

    def feed(self, lane: SocketLane, message: bytes) -> None:
        """Take one message.

        Raises:
            ApplicationReplaced: this websocket is deaf from now on.
        """
        try:
            event = decode(message)
        except MalformedError as error:
            self.malformed += 1
            self._tell_once(error.name, "ignored a malformed message from Asterisk: %s", error)
            return
        kind = type(event)
        if kind is events.RestResponse:
            lane.replied(event)  # type: ignore[arg-type]
            return
        if kind is events.ApplicationReplacedEvent:
            raise self._replaced()
        if kind is events.OtherEvent:
            self.unknown += 1
            self._tell_once(event.type, "Asterisk sends an event type unknown here: %s", event.type)
        try:
            self._deliver(event)
        except Exception:  # one bad event must not end the reader of all calls
            self.malformed += 1
            log.exception("could not handle the event %s", event)

    def _tell_once(self, name: str, message: str, about: object) -> None:
        if name not in self._told and len(self._told) < _KINDS_TOLD:
            self._told.add(name)
            log.warning(message, about)
