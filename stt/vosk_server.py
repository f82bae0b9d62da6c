"""A recogniser that runs elsewhere: a client of the vosk-server websocket protocol.

The client sends `{"config": {…}}` once, then PCM16 as binary messages; the server answers each of
these with one message, `{"partial": "…"}` or, when an utterance has ended, `{"result": [{"word",
"start", "end", "conf"} …], "text": "…"}`. After `{"eof" : 1}`, byte for byte, comes the last one.
Source: alphacep/vosk-server, websocket/asr_server.py.
"""

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from stt.engine import Heard
from stt.errors import SpeechError
from stt.transcript import UNKNOWN_WORDS, Word

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 4.0
"""How long the server may take for an answer that is waited for."""

MOST_UNANSWERED = 100
"""Messages that may be on their way; then the next one waits for the oldest one's answer."""

END = '{"eof" : 1}'
"""The server compares it byte for byte."""


class ServerError(SpeechError):
    """A vosk-server cannot be reached, broke off, or answered something else."""

    retryable = True

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(f"vosk-server {address}: {problem}; is it running, and is it one?")
        self.address = address


class VoskServer:
    """The engine behind `ws://host:2700`; each session is a connection of its own."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def name(self) -> str:
        """`vosk-server/` and the server's host and port."""
        return f"vosk-server/{self._address.partition('://')[2].rstrip('/')}"

    def open(self, rate: int, hot_words: Sequence[str] = ()) -> "ServerSession":
        """Connect. Hot words stay here: the server's `phrase_list` would forbid all others.

        Raises:
            ServerError: no connection within two seconds.
        """
        stack = contextlib.ExitStack()
        try:
            socket = stack.enter_context(
                connect(
                    self._address,
                    open_timeout=CONNECT_SECONDS,
                    close_timeout=CONNECT_SECONDS,
                    ping_interval=None,  # every message is answered: silence shows by itself
                    compression=None,
                    proxy=None,
                    max_queue=None,  # bounded by MOST_UNANSWERED
                )
            )
        except (OSError, WebSocketException) as error:
            raise ServerError(self._address, f"no connection ({error})") from error
        return ServerSession(self._address, socket, stack, rate)


class ServerSession:
    """One stream. Answers are taken as they come, so the network's delay costs no thread."""

    def __init__(
        self, address: str, socket: ClientConnection, stack: contextlib.ExitStack, rate: int
    ) -> None:
        self._address, self._socket, self._rate = address, socket, rate
        self._stack = stack  # closes the socket
        self._config = json.dumps({"config": {"sample_rate": rate, "words": True}})
        self._unanswered = 0
        self._sent = 0  # bytes
        self._ended = 0.0  # seconds: the end of the last utterance
        self._partial = ""

    def accept(self, pcm: bytes) -> list[Heard]:
        """Send PCM16 samples; the utterances that the server has ended meanwhile.

        Raises:
            ServerError: the connection broke, or the server is seconds behind.
        """
        self._send(pcm)
        self._sent += len(pcm)
        heard = []
        while self._unanswered:
            full = self._unanswered >= MOST_UNANSWERED
            answer = self._awaited() if full else self._receive(0.0)
            if answer is None:
                break
            heard += self._heard(answer)
        return heard

    def partial(self) -> str:
        """The words so far, as of the server's last answer."""
        return self._partial

    def finish(self) -> list[Heard]:
        """Send the end and take all answers that are still to come.

        Raises:
            ServerError: one did not come in time, or the connection broke.
        """
        self._send(END)
        heard = []
        while self._unanswered:
            heard += self._heard(self._awaited())
        return heard

    def close(self) -> None:
        """Close the connection; what the server still has to say is dropped."""
        self._stack.close()

    def _send(self, message: bytes | str) -> None:
        try:
            if self._config:  # first of all, and never answered
                self._socket.send(self._config)
                self._config = ""
            self._socket.send(message)
        except (OSError, WebSocketException) as error:
            raise ServerError(self._address, f"the connection broke ({error})") from error
        self._unanswered += 1

    def _awaited(self) -> dict[str, Any]:
        answer = self._receive(ANSWER_SECONDS)
        if answer is None:
            raise ServerError(self._address, f"no answer within {ANSWER_SECONDS:g} s")
        return answer

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        try:
            message = self._socket.recv(timeout=seconds)
            answer = json.loads(message)
        except TimeoutError:
            return None
        except (OSError, WebSocketException) as error:
            raise ServerError(self._address, f"the connection broke ({error})") from error
        except ValueError as error:
            raise ServerError(self._address, "answered something that is not JSON") from error
        if not isinstance(answer, dict):
            raise ServerError(self._address, "answered JSON that is no object")
        self._unanswered -= 1
        return answer

    def _heard(self, answer: dict[str, Any]) -> list[Heard]:
        if "text" not in answer:
            self._partial = _shown(str(answer.get("partial", "")))
            return []
        self._partial = ""
        words = self._words(answer)
        if not words:
            return []
        self._ended = words[-1].end
        return [words]

    def _words(self, answer: dict[str, Any]) -> Heard:
        try:
            return tuple(
                Word(
                    str(one["word"]),
                    round(float(one["start"]), 3),
                    round(float(one["end"]), 3),
                    round(float(one["conf"]), 3),
                )
                for one in answer.get("result", [])
                if one["word"] not in UNKNOWN_WORDS
            ) or self._untimed(str(answer["text"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(self._address, f"answered a result without {error}") from error

    def _untimed(self, text: str) -> Heard:
        """A server that was told to leave out words: all of them in the time since the last."""
        now = round(self._sent / 2 / self._rate, 3)
        return tuple(Word(word, self._ended, now, 1.0) for word in _shown(text).split())


def _shown(text: str) -> str:
    return " ".join(word for word in text.split() if word not in UNKNOWN_WORDS)
