"""A recogniser that runs elsewhere, and that can be made to fall silent: vosk-server's protocol
around the bundled model. Source: alphacep/vosk-server, websocket/asr_server.py.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.server import ServerConnection, serve

from stt.model import describe
from stt.recogniser import SpeechModel, vosk
from stt.settings import SpeechSettings

END = '{"eof" : 1}'
MOST_STALLED_SECONDS = 120.0


class Recogniser:
    """Answers, unless it is `stalled`; then whoever waits for an answer waits."""

    def __init__(self) -> None:
        self._model = SpeechModel.load(describe(SpeechSettings()).path)
        self._answers = threading.Event()
        self._answers.set()

    def stall(self) -> None:
        self._answers.clear()

    def go_on(self) -> None:
        self._answers.set()

    def __call__(self, connection: ServerConnection) -> None:
        recogniser: Any = None
        try:
            for message in connection:
                self._answers.wait(MOST_STALLED_SECONDS)
                if isinstance(message, str) and "config" in message:
                    rate = float(json.loads(message)["config"]["sample_rate"])
                    recogniser = vosk.KaldiRecognizer(self._model.handle, rate)
                    recogniser.SetWords(True)
                elif recogniser is None:
                    return
                elif message == END:
                    connection.send(recogniser.FinalResult())
                    return
                else:
                    ended = recogniser.AcceptWaveform(message)
                    connection.send(recogniser.Result() if ended else recogniser.PartialResult())
        except WebSocketException:
            return  # whoever asked has given up


@contextmanager
def recogniser(port: int) -> Iterator[Recogniser]:
    """A recogniser at this port of loopback until the block ends."""
    one = Recogniser()
    with serve(one, "127.0.0.1", port, compression=None, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever, name="recogniser")
        thread.start()
        try:
            yield one
        finally:
            one.go_on()
            server.shutdown()
            thread.join()
