"""Reads a party's audio from Asterisk's chan_websocket.

Source: Asterisk 22, chan_websocket: a websocket with subprotocol `media`; binary messages are
audio, text messages control or report (`MEDIA_START`, or JSON with `f(json)`).
"""

import asyncio
import contextlib

import aiohttp

from stt.errors import SpeechError
from stt.live.stream import LiveStream

SUBPROTOCOL = "media"
CONNECT_SECONDS = 5.0
SILENT_SECONDS = 30.0
LONGEST_MESSAGE = 65_536


class MediaError(SpeechError):
    """A party's audio cannot be had from Asterisk; the party is to be transcribed afterwards."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"no audio from {url}: {problem}; see Asterisk's log for chan_websocket")
        self.url = url


async def read_media(
    url: str,
    stream: LiveStream,
    *,
    session: aiohttp.ClientSession | None = None,
    connect_seconds: float = CONNECT_SECONDS,
    silent_seconds: float = SILENT_SECONDS,
) -> None:
    """Feed `stream` with all audio that comes from `url`, until Asterisk closes the socket.

    The socket is read as fast as it fills, whatever becomes of the stream: Asterisk must never
    wait for us.

    Raises:
        MediaError: no connection, or it broke, or nothing came any more.
    """
    async with contextlib.AsyncExitStack() as stack:
        if session is None:
            session = await stack.enter_async_context(aiohttp.ClientSession())
        try:
            async with asyncio.timeout(connect_seconds):
                socket = await session.ws_connect(
                    url, protocols=(SUBPROTOCOL,), max_msg_size=LONGEST_MESSAGE, autoclose=True
                )
        except TimeoutError as error:
            raise MediaError(url, f"no connection within {connect_seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise MediaError(url, f"no connection ({error})") from error
        stack.push_async_callback(socket.close)
        try:
            await _drain(url, socket, stream, silent_seconds)
        except TimeoutError as error:
            raise MediaError(url, f"nothing came for {silent_seconds:g} s") from error


async def _drain(
    url: str,
    socket: aiohttp.ClientWebSocketResponse,
    stream: LiveStream,
    silent_seconds: float,
) -> None:
    loop = asyncio.get_running_loop()
    feed, receive = stream.feed, socket.receive
    async with asyncio.timeout(silent_seconds) as silence:
        renewed = 0.0
        while True:
            message = await receive()
            kind = message.type
            if kind is aiohttp.WSMsgType.BINARY:
                feed(message.data)
            elif kind in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSING,
                aiohttp.WSMsgType.CLOSED,
            ):
                return
            elif kind is aiohttp.WSMsgType.ERROR:
                raise MediaError(url, f"the connection broke ({message.data})")
            now = loop.time()
            if now - renewed > 1.0:
                renewed = now
                silence.reschedule(now + silent_seconds)
