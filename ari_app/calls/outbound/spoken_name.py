"""The question for somebody by name, spoken when it is needed: one sound per surname, kept."""

import asyncio

import structlog

from ari_app.calls.line import Line
from ari_app.calls.outbound.keys import Question
from ari_app.prompts.cache import SUFFIX, PromptCache
from ari_app.prompts.speak import BYTES_PER_SECOND, PromptError, Speech, make, tools

log = structlog.get_logger()

SPEAK_SECONDS = 5.0


async def by_name(line: Line, who: str) -> Question | None:
    """`如果您是王先生,请按一` as a question; None: no name is to be spoken, or it cannot be, for
    want of the tools or because the prompts are a person's recordings.
    """
    template = line.settings.outbound.confirm.salutation
    prompt = line.settings.ivr.prompts["confirm_identity"]
    if not who or template is None or prompt.file is not None:
        return None
    ivr = line.settings.ivr
    speech = Speech("salutation", template.format(who=who), ivr.voice, ivr.words_per_minute)
    cache = PromptCache((line.settings.state_dir / "prompts").absolute())
    try:
        async with asyncio.timeout(SPEAK_SECONDS):
            path, seconds = await asyncio.to_thread(_spoken, cache, speech)
    except (PromptError, OSError, TimeoutError) as error:
        log.warning("name not spoken", error=str(error) or "too slow")
        return None
    return Question([f"sound:{path.removesuffix(SUFFIX)}"], seconds)


def _spoken(cache: PromptCache, speech: Speech) -> tuple[str, float]:
    path = cache.place(speech, tools())
    if not path.is_file():
        make(speech, path)
    return str(path), path.stat().st_size / BYTES_PER_SECOND
