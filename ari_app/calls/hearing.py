"""The line's ears: the recognisers of config.yaml for live streams and for recordings alike."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from desk.region import Caller
from stt.digits import written
from stt.engines import choose, load_engines
from stt.live import LivePool
from stt.settings import SpeechSettings
from stt.text.lexicon import TIANJIN, Lexicon
from stt.transcriber import Transcriber


@dataclass(frozen=True)
class Hearing:
    """Live recognisers go first; the transcriber of recordings takes what they leave.

    `live` is None where nothing is to be transcribed while it is spoken.
    """

    settings: SpeechSettings
    live: LivePool | None
    transcriber: Transcriber

    @classmethod
    async def open(cls, settings: SpeechSettings, stack: AsyncExitStack) -> "Hearing":
        """Load the models and start the threads; `stack` ends them.

        Raises:
            SpeechError: a model or the word list cannot be read.
        """
        engines = await load_engines(settings)
        lexicon = Lexicon.load(settings.hot_words, settings.lexicon or TIANJIN)

        def polish(text: str) -> str:
            return written(lexicon.correct(text))

        live = None
        if settings.live.enabled:
            live = await stack.enter_async_context(
                LivePool(
                    engines,
                    threads=settings.live.cores,
                    headroom=settings.live.headroom,
                    most_streams=settings.live.most_streams,
                    behind_seconds=settings.live.behind_seconds,
                    stall_seconds=settings.live.stall_seconds,
                    hot_words=settings.hot_words,
                    polish=polish,
                )
            )
        transcriber = Transcriber(
            engines,
            threads=settings.threads,
            queue=settings.queue,
            share=(lambda: live.idle_share) if live is not None else (lambda: 1.0),
            hot_words=settings.hot_words,
            polish=polish,
        )
        await stack.enter_async_context(transcriber)
        return cls(settings, live, transcriber)

    def engine_for(self, caller: Caller | None, *, team: str = "", language: str = "") -> str:
        """The key of the recogniser for this call."""
        area_code = caller.area_code if caller is not None else ""
        return choose(self.settings.models, area_code=area_code, team=team, language=language)
