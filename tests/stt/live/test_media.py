"""A party's audio from Asterisk's websocket: all of it is read, whatever becomes of the words."""

import asyncio
import socket as sockets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiohttp import WSCloseCode, web

from stt.live import LivePool, MediaError, read_media
from tests.stt.live.conftest import KEY
from tests.stt.live.engines import RATE, SECONDS, Script, chunk

Play = Callable[[web.WebSocketResponse], Awaitable[None]]
Serve = Callable[[Play], Awaitable[str]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """The address of a media socket that does what a test says."""
    runners = []

    async def start(play: Play) -> str:
        async def handle(request: web.Request) -> web.WebSocketResponse:
            assert request.headers["Sec-WebSocket-Protocol"] == "media"
            socket = web.WebSocketResponse(protocols=("media",), timeout=0.2)
            await socket.prepare(request)
            await play(socket)
            return socket

        app = web.Application()
        app.router.add_get("/media/{id}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/media/m-1"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_audio_reaches_the_recogniser_and_control_messages_do_not(
    serve: Serve, pool: LivePool
) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"event":"MEDIA_START","format":"slin","ptime":20}')
        await socket.send_bytes(chunk("a"))
        await socket.send_str("MEDIA_XON")
        await socket.send_bytes(chunk("b"))
        await socket.close()

    stream = pool.open(KEY, RATE)
    assert stream is not None
    await read_media(await serve(play), stream)
    outcome = await stream.finish(SECONDS)
    assert [said.text for said in outcome.utterances] == ["a b"]
    assert outcome.seconds == pytest.approx(0.04)


async def test_socket_is_drained_though_nobody_listens_any_more(
    serve: Serve, pool: LivePool
) -> None:
    """Asterisk keeps what we don't read, 4 MB and more."""
    sent = asyncio.Event()

    async def play(socket: web.WebSocketResponse) -> None:
        for _ in range(5000):
            await socket.send_bytes(chunk("a"))
        sent.set()
        await socket.close()

    stream = pool.open(KEY, RATE)
    assert stream is not None
    stream.give_up()
    await read_media(await serve(play), stream)
    assert sent.is_set()
    assert stream.seconds == 100


async def test_asterisk_that_was_killed_ends_the_reading(serve: Serve, pool: LivePool) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(chunk("a"))
        assert socket._req is not None
        assert socket._req.transport is not None
        socket._req.transport.close()

    stream = pool.open(KEY, RATE)
    assert stream is not None
    async with asyncio.timeout(SECONDS):
        await read_media(await serve(play), stream)
    assert (await stream.finish(SECONDS)).complete


@pytest.mark.parametrize("code", [WSCloseCode.OK, WSCloseCode.GOING_AWAY])
async def test_hang_up_ends_the_reading(serve: Serve, pool: LivePool, code: WSCloseCode) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.close(code=code)

    stream = pool.open(KEY, RATE)
    assert stream is not None
    async with asyncio.timeout(SECONDS):
        await read_media(await serve(play), stream)


async def test_audio_that_ceases_is_given_up(serve: Serve, pool: LivePool) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.receive()

    stream = pool.open(KEY, RATE)
    assert stream is not None
    with pytest.raises(MediaError, match=r"nothing came for 0\.05 s"):
        await read_media(await serve(play), stream, silent_seconds=0.05)


async def test_media_id_that_is_gone_is_one_sentence(serve: Serve, pool: LivePool) -> None:
    async def play(_: web.WebSocketResponse) -> None:
        raise AssertionError

    stream = pool.open(KEY, RATE)
    assert stream is not None
    url = (await serve(play)).replace("/media/", "/gone/")
    with pytest.raises(MediaError, match=r"no audio from .*/gone/m-1: no connection \(404") as lost:
        await read_media(url, stream)
    assert lost.value.url == url


async def test_asterisk_that_is_not_there_is_one_sentence(pool: LivePool) -> None:
    with sockets.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    stream = pool.open(KEY, RATE)
    assert stream is not None
    with pytest.raises(MediaError, match="no connection"):
        await read_media(f"http://127.0.0.1:{port}/media/m-1", stream)


async def test_asterisk_that_does_not_answer_is_given_up(pool: LivePool) -> None:
    with sockets.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        stream = pool.open(KEY, RATE)
        assert stream is not None
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/media/m-1"
        with pytest.raises(MediaError, match=r"no connection within 0\.05 s"):
            await read_media(url, stream, connect_seconds=0.05)


async def test_stuck_recogniser_does_not_hold_up_the_socket(
    serve: Serve, pool: LivePool, script: Script
) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        for _ in range(500):
            await socket.send_bytes(chunk("a"))
        await socket.close()

    script.may.clear()
    stream = pool.open(KEY, RATE)
    assert stream is not None
    async with asyncio.timeout(SECONDS):
        await read_media(await serve(play), stream)
    assert stream.behind
    assert stream.seconds == 10
