"""Which request takes which way to Asterisk, and why.

One websocket carries all events and, beside them, requests (REST over the websocket): the cheapest
way, for both sides. But Asterisk serves the requests of one websocket one after the other, so a
request that has to wait for a channel's own thread holds up every later one, of every call.
Asterisk's resource description does not say which ones wait; this table does.

- SOCKET: returns at once whatever the channel is doing (each is tested against a real Asterisk).
- QUIET:  waits while a playback or recording runs on the channel. Goes over the websocket only
          when this client knows of nothing that runs there, else over HTTP.
- HTTP:   everything else: it may wait, touches the disk, creates channels, or answers with a file
          (the websocket refuses binary replies with 406). A keep-alive pool, so one that waits
          delays nobody.
"""

import enum


class Lane(enum.Enum):
    """A way to Asterisk."""

    SOCKET = enum.auto()
    QUIET = enum.auto()
    HTTP = enum.auto()


LANES: dict[str, Lane] = {
    # put into the channel's own queue, or done on the object without asking the channel's thread
    "channels.get": Lane.SOCKET,
    "channels.play_with_id": Lane.SOCKET,
    "channels.hangup": Lane.SOCKET,
    "channels.continue_in_dialplan": Lane.SOCKET,
    "channels.ring": Lane.SOCKET,
    "channels.ring_stop": Lane.SOCKET,
    "channels.progress": Lane.SOCKET,
    "channels.send_dtmf": Lane.SOCKET,
    "channels.start_moh": Lane.SOCKET,
    "channels.stop_moh": Lane.SOCKET,
    "channels.start_silence": Lane.SOCKET,
    "channels.stop_silence": Lane.SOCKET,
    "channels.hold": Lane.SOCKET,
    "channels.unhold": Lane.SOCKET,
    "playbacks.get": Lane.SOCKET,
    "playbacks.stop": Lane.SOCKET,
    "playbacks.control": Lane.SOCKET,
    "asterisk.ping": Lane.SOCKET,
    # executed by the channel's thread while the request waits
    "channels.answer": Lane.QUIET,
    "channels.get_channel_var": Lane.QUIET,
    "channels.set_channel_var": Lane.QUIET,
    "channels.get_channel_vars": Lane.QUIET,
    "channels.set_channel_vars": Lane.QUIET,
}


AGAIN = frozenset(
    {
        "channels.answer",
        "channels.ring",
        "channels.hold",
        "channels.start_moh",
        "channels.start_silence",
        "channels.play_with_id",  # at worst the caller hears a prompt twice
    }
)
"""POST requests that are sent again over HTTP where the websocket breaks before their reply: done
twice they do no harm, and a call whose request fails is lost to its stage."""


def lane_of(operation: str) -> Lane:
    """The lane of "channels.answer" and the like; what the table does not name goes over HTTP."""
    return LANES.get(operation, Lane.HTTP)
