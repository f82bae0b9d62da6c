"""A recogniser elsewhere: the vosk-server protocol, held to a real server around the real model.

The server below answers as alphacep/vosk-server's websocket/asr_server.py does: a message with
`config` is not answered, every other one is, once; only `{"eof" : 1}`, byte for byte, ends it.
"""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from stt.live import LivePool, Why
from stt.recogniser import SpeechModel, recognise, vosk
from stt.vosk_server import MOST_UNANSWERED, ServerError, VoskServer
from stt.wav import probe
from tests.stt.phrases import COMPLAINT

KEY = "elsewhere"
SECONDS = 30.0
RATE = 8000

Handle = Callable[[ServerConnection], None]


@contextlib.contextmanager
def serving(handle: Handle) -> Iterator[str]:
    def quietly(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            handle(connection)

    with serve(
        quietly, "127.0.0.1", 0, compression=None, max_queue=None, close_timeout=1
    ) as server:
        thread = threading.Thread(target=server.serve_forever, name="vosk-server")
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join(SECONDS)


class Server:
    """vosk-server around the bundled model."""

    def __init__(self, model: SpeechModel, *, words: bool = True) -> None:
        self._model, self._words = model, words
        self.configs: list[dict[str, object]] = []

    def __call__(self, connection: ServerConnection) -> None:
        recogniser, rate, words = None, 16000.0, False
        for message in connection:
            if isinstance(message, str) and "config" in message:
                config = json.loads(message)["config"]
                self.configs.append(config)
                rate, words = float(config["sample_rate"]), bool(config.get("words", words))
                continue
            if recogniser is None:
                recogniser = vosk.KaldiRecognizer(self._model.handle, rate)
                recogniser.SetWords(words and self._words)
            if message == '{"eof" : 1}':
                connection.send(recogniser.FinalResult())
                break
            assert isinstance(message, bytes)
            ended = recogniser.AcceptWaveform(message)
            connection.send(recogniser.Result() if ended else recogniser.PartialResult())


async def heard(address: str, path: Path) -> tuple[list[str], list[str], bool, Why]:
    """Partials, utterances and the outcome of a recording that is spoken into a live stream."""
    partials: list[str] = []
    async with LivePool({KEY: VoskServer(address)}, threads=1, behind_seconds=60) as pool:
        stream = pool.open(KEY, RATE, on_partial=partials.append)
        assert stream is not None
        sound = b"".join(probe(path).blocks(60))
        for at in range(0, len(sound), 320):
            stream.feed(sound[at : at + 320])
            await asyncio.sleep(0.001)  # twenty times as fast as it was spoken
        outcome = await stream.finish(SECONDS)
    texts = [said.text for said in outcome.utterances]
    return partials, texts, outcome.complete, outcome.why


async def test_words_of_a_server_are_those_of_its_model(
    model: SpeechModel, complaint: Path
) -> None:
    server = Server(model)
    with serving(server) as address:
        partials, texts, complete, why = await heard(address, complaint)
    assert (texts, complete, why) == ([COMPLAINT], True, Why.NOTHING)
    assert partials
    assert COMPLAINT.startswith(partials[0])
    assert {"sample_rate": RATE, "words": True} in server.configs
    assert not any("phrase_list" in config for config in server.configs)


def test_recording_is_transcribed_by_a_server_with_its_word_times(
    model: SpeechModel, complaint: Path
) -> None:
    here = recognise(model, probe(complaint))
    with serving(Server(model)) as address:
        engine = VoskServer(address)
        there = recognise(engine, probe(complaint), hot_words=["产品"])
    assert here is not None
    assert there is not None
    assert there.words == here.words
    assert there.engine == f"vosk-server/{address.removeprefix('ws://')}"


def test_server_that_gives_no_words_still_gives_the_text(
    model: SpeechModel, complaint: Path
) -> None:
    with serving(Server(model, words=False)) as address:
        found = recognise(VoskServer(address), probe(complaint))
    assert found is not None
    assert found.text == COMPLAINT
    assert (found.utterances[0].start, found.utterances[0].end) == (
        0.0,
        pytest.approx(found.seconds, abs=0.01),
    )


async def test_server_that_is_down_leaves_the_words_for_later(complaint: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"ws://127.0.0.1:{closed.getsockname()[1]}"
    async with LivePool({KEY: VoskServer(address)}, threads=1) as pool:
        assert pool.open(KEY, RATE) is None
    with pytest.raises(ServerError, match=r"vosk-server ws://.*: no connection") as down:
        recognise(VoskServer(address), probe(complaint))
    assert down.value.retryable


async def test_server_that_dies_in_a_call_ends_the_live_words_only(
    model: SpeechModel, complaint: Path
) -> None:
    whole = Server(model)
    calls = iter(range(100))

    def handle(connection: ServerConnection) -> None:
        if next(calls) == 0:  # the rehearsal
            whole(connection)
        for _ in range(20):
            connection.recv()

    with serving(handle) as address:
        _, texts, complete, why = await heard(address, complaint)
    assert (texts, complete, why) == ([], False, Why.ENGINE)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("so sorry", "not JSON"),
        ("[1]", "no object"),
        ('{"result": [{"word": "好"}], "text": "好"}', "without 'start'"),
        ('{"result": 7, "text": "好"}', "without"),
    ],
)
def test_something_else_that_answers_is_told_from_a_vosk_server(answer: str, told: str) -> None:
    def handle(connection: ServerConnection) -> None:
        connection.recv()
        for _ in connection:
            connection.send(answer)

    with serving(handle) as address:
        session = VoskServer(address).open(RATE)
        session.accept(bytes(320))
        with pytest.raises(ServerError, match=told):
            session.finish()
        session.close()


def test_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stt.vosk_server.ANSWER_SECONDS", 0.05)

    def handle(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    with serving(handle) as address:
        session = VoskServer(address).open(RATE)
        for _ in range(MOST_UNANSWERED - 1):
            assert session.accept(bytes(320)) == []
        with pytest.raises(ServerError, match=r"no answer within 0\.05 s"):
            session.accept(bytes(320))
        session.close()


def test_unknown_sounds_of_a_server_are_not_shown() -> None:
    def handle(connection: ServerConnection) -> None:
        connection.recv()
        connection.recv()
        connection.send('{"partial": "[unk] 你 好"}')
        connection.recv()
        connection.send('{"text": "[unk]"}')

    with serving(handle) as address:
        session = VoskServer(address).open(RATE)
        session.accept(bytes(320))
        assert session._awaited()
        assert session.finish() == []
        session.close()
