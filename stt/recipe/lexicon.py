"""How each word sounds: espeak-ng's own reading, and the dictionary's where they differ."""

from pypinyin import Style, pinyin

from stt.recipe.espeak import Espeak
from stt.recipe.phones import Lexicon, PhoneSet, canonical


class PronunciationError(Exception):
    """A word of text/ cannot be spoken."""


def build(words: list[str], espeak: Espeak) -> tuple[PhoneSet, Lexicon]:
    """The phones that `words` need, and their pronunciations.

    espeak-ng reads character by character (银行 as yin xing); callers say what the dictionary
    says (yin hang). Both count.

    Raises:
        PronunciationError: a word has no pronunciation at all.
    """
    heard: dict[str, tuple[str, ...] | None] = {}

    def syllable(text: str) -> tuple[str, ...] | None:
        if text not in heard:
            found = espeak.syllables(text)
            phones = tuple(canonical(i, p) for i, p in enumerate(found[0])) if found else ()
            heard[text] = phones if len(found) == 1 else None
        return heard[text]

    lexicon: Lexicon = {}
    for word in words:
        by_dictionary = pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
        readings = [list(word), [reading[0] for reading in by_dictionary]]
        spoken = ([syllable(text) for text in reading] for reading in readings)
        whole = [sum((p for p in parts if p), ()) for parts in spoken if all(parts)]
        if not whole:
            raise PronunciationError(f"text/: espeak-ng cannot speak the word {word}; replace it")
        lexicon[word] = list(dict.fromkeys(whole))
    used = {phone for sounds in lexicon.values() for sound in sounds for phone in sound}
    return PhoneSet(tuple(sorted(used))), lexicon
