"""Events of the application, of endpoints and of Asterisk, and replies to requests."""

from typing import Any

import msgspec

from ari_app.ari.events.base import Event
from ari_app.ari.snapshots import EndpointSnapshot


class EndpointStateChange(Event):
    """An endpoint came or went."""

    endpoint: EndpointSnapshot


class ContactStatusChange(Event):
    """A registered contact of an endpoint became reachable or not."""

    endpoint: EndpointSnapshot
    contact_info: dict[str, Any] = msgspec.field(default_factory=dict)


class PeerStatusChange(Event):
    """A peer registered or was lost."""

    endpoint: EndpointSnapshot
    peer: dict[str, Any] = msgspec.field(default_factory=dict)


class DeviceStateChanged(Event):
    """A device state (`{"name": …, "state": …}`) changed."""

    device_state: dict[str, str]


class TextMessageReceived(Event):
    """A text message came in."""

    message: dict[str, Any]
    endpoint: EndpointSnapshot | None = None


class ApplicationRegistered(Event):
    """The application is registered (again)."""


class ApplicationUnregistered(Event):
    """The application is no longer registered."""


class ApplicationReplacedEvent(Event, tag="ApplicationReplaced"):
    """Another websocket took our application name; this one is deaf from now on."""


class RestResponse(Event, tag="RESTResponse"):
    """The reply to a request that went over the websocket; not delivered to listeners."""

    request_id: str
    status_code: int
    reason_phrase: str = ""
    message_body: str | None = None
