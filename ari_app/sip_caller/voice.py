"""What test callers say, spoken once and kept in the user's cache folder."""

import os
from collections.abc import Iterable
from pathlib import Path

from ari_app.prompts.speak import Speech, make, tools

VOICE = "cmn-latn-pinyin"
WORDS_PER_MINUTE = 175


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/huisheng/speech`, by default below `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "huisheng" / "speech"


def spoken(texts: Iterable[str], folder: Path | None = None) -> dict[str, bytes]:
    """Each text as headerless 8 kHz A-law. Blocks some 20 ms per text that is new to the cache.

    Raises PromptError if espeak-ng or sox is missing or fails.
    """
    place = folder or cache_folder()
    present = tools()
    sounds = {}
    for text in texts:
        speech = Speech(text, text, VOICE, WORDS_PER_MINUTE)
        path = place / f"{speech.key()}-{present}.alaw"
        if not path.is_file():
            place.mkdir(parents=True, exist_ok=True)
            make(speech, path)
        sounds[text] = path.read_bytes()
    return sounds
