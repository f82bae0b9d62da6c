"""The recogniser thread's side of a stream: sessions of an engine, and what they say."""

from collections.abc import Callable, Sequence

import structlog

from stt.engine import Engine, Heard, Session
from stt.transcript import Utterance, join

log = structlog.get_logger()


class Hearing:
    """Turns speech into partials and utterances; used by one thread at a time.

    A pause ends the engine's session, so what is said before and after it never meets in one
    utterance, and times after it are right whatever the engine counts.
    """

    def __init__(
        self,
        engine: Engine,
        rate: int,
        hot_words: Sequence[str],
        polish: Callable[[str], str],
        saying: Callable[[str], None],
        said: Callable[[Utterance], None],
    ) -> None:
        self._engine, self._rate = engine, rate
        self._hot_words, self._polish = hot_words, polish
        self._saying, self._said = saying, said
        self._session: Session | None = None
        self._offset = 0.0
        self._partial = ""

    def begin(self, second: float) -> None:
        """What follows was said `second` seconds after the beginning of the stream."""
        self._offset = second

    def hear(self, pcm: bytes) -> None:
        """Recognise PCM16 samples. Raises whatever the engine raises."""
        if self._session is None:
            self._session = self._engine.open(self._rate, self._hot_words)
        ended = self._session.accept(pcm)
        self._utter(ended)
        partial = self._session.partial()
        if partial != self._partial:
            self._partial = partial
            if partial or not ended:  # an utterance ends its partial by itself
                self._saying(join(partial.split()))

    def end(self) -> None:
        """End the utterance in progress, and the session. Raises whatever the engine raises."""
        if self._session is not None:
            ended = self._session.finish()
            self._utter(ended)
            if self._partial and not ended:
                self._saying("")
        self.close()

    def close(self) -> None:
        """Drop the session; never raises."""
        session, self._session, self._partial = self._session, None, ""
        if session is None:
            return
        try:
            session.close()
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            log.warning("session not closed", engine=self._engine.name, error=str(error))

    def _utter(self, ended: Sequence[Heard]) -> None:
        for words in ended:
            if words:
                self._said(Utterance.of(words, self._polished, self._offset))

    def _polished(self, text: str) -> str:
        try:
            return self._polish(text)
        except Exception:  # a lexicon's fault costs its correction, not the words
            log.exception("utterance left as it was recognised")
            return text
