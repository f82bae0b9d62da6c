"""Which events Asterisk shall not send: a quarter of our CPU is spent on those nobody reads.

The traps, each held by a test against a real Asterisk:
- The filter is gone after a reconnect: it is set after every connect.
- A PUT that names one list keeps the other: both are named every time.
- An allow-list without RESTResponse swallows every reply on the websocket, and one that is written
  today silences the events of tomorrow's Asterisk: only a deny-list is ever set.
- Asterisk accepts unknown type names silently: ours are checked against the types known here.
"""

from collections.abc import Collection
from typing import Any

from ari_app.ari.decoding import CLASSES

UNWANTED = (
    "ChannelVarset",
    "ChannelDialplan",
    "ChannelCallerId",
    "ChannelConnectedLine",
    "ChannelStateChange",
    "ChannelHangupRequest",  # StasisEnd follows and is enough
    "ChannelCreated",
    "PlaybackStarted",
    "PlaybackContinuing",
    "DeviceStateChanged",
)
NEEDED = frozenset(
    {
        "RESTResponse",
        "ApplicationReplaced",
        "StasisStart",
        "StasisEnd",
        "ChannelDestroyed",
        "BridgeDestroyed",
        "PlaybackFinished",
        "RecordingFinished",
        "RecordingFailed",
    }
)


def checked(unwanted: Collection[str]) -> tuple[str, ...]:
    """`unwanted` as it is.

    Raises:
        ValueError: the client cannot work without one of them, or there is no such event type.
    """
    if needed := NEEDED.intersection(unwanted):
        raise ValueError(f"the client cannot work without the events {sorted(needed)}")
    if unknown := set(unwanted) - CLASSES.keys():
        raise ValueError(f"there are no event types {sorted(unknown)}; correct their names")
    return tuple(unwanted)


def filter_body(unwanted: Collection[str]) -> dict[str, Any]:
    """The body of `PUT /applications/{app}/eventFilter`."""
    return {"allowed": [], "disallowed": [{"type": name} for name in unwanted]}
