"""What a caller may say: words and sentence patterns of text/, filled at random but repeatably."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from stt.recipe import numerals

TEXT = Path(__file__).parent / "text"
RARE_SYLLABLE = 0.25
"""Weight of a single character against a longer word of its kind: it sounds like many others."""


class CorpusError(Exception):
    """A file of text/ is malformed; the message names the file and the offending text."""


@dataclass(frozen=True)
class Pattern:
    """One line of sentences.txt or one choice of slots.txt: words, and slots in braces."""

    tokens: tuple[str, ...]
    weight: int = 1

    @property
    def words(self) -> list[str]:
        """The tokens that are words."""
        return [token for token in self.tokens if not token.startswith("{")]


@dataclass(frozen=True)
class Corpus:
    """Words by kind with their weight, slots, and sentence patterns."""

    kinds: dict[str, tuple[float, tuple[Pattern, ...]]]
    slots: dict[str, tuple[Pattern, ...]]
    patterns: tuple[Pattern, ...]

    def vocabulary(self) -> list[str]:
        """Every word once, in a fixed order."""
        words = [w for _, choices in self.kinds.values() for p in choices for w in p.words]
        words += numerals.lexical()
        words += [w for pattern in self.patterns for w in pattern.words]
        words += [w for choices in self.slots.values() for p in choices for w in p.words]
        return list(dict.fromkeys(words))

    def prior(self) -> dict[str, float]:
        """Relative frequency of each word where no sentence pattern applies."""
        weight = dict.fromkeys(self.vocabulary(), RARE_SYLLABLE)
        for kind, choices in self.kinds.values():
            for pattern in choices:
                for word in pattern.words:
                    scale = RARE_SYLLABLE if len(word) == 1 else 1.0
                    weight[word] = max(weight[word], kind * scale)
        return weight

    def sentences(self, count: int, rng: Random) -> list[list[str]]:
        """`count` random sentences, each a list of words."""
        chosen = rng.choices(self.patterns, [p.weight for p in self.patterns], k=count)
        return [self._fill(pattern, rng) for pattern in chosen]

    def _fill(self, pattern: Pattern, rng: Random) -> list[str]:
        words: list[str] = []
        for token in pattern.tokens:
            words += self._slot(token[1:-1], rng) if token.startswith("{") else [token]
        return words

    def _slot(self, name: str, rng: Random) -> list[str]:
        if name in numerals.SPOKEN:
            return numerals.SPOKEN[name](rng)
        choices = self.slots[name] if name in self.slots else self.kinds[name][1]
        return self._fill(rng.choice(choices), rng)


def load(folder: Path = TEXT) -> Corpus:
    """Read words.txt, slots.txt and sentences.txt.

    Raises:
        CorpusError: a line has no place, or a slot has no meaning.
    """
    kinds: dict[str, tuple[float, tuple[Pattern, ...]]] = {}
    heading: tuple[str, float] | None = None
    for line in _lines(folder / "words.txt"):
        if line.startswith("["):
            name, weight = line.strip("[]").split()
            heading = (name, float(weight))
        elif heading is None:
            raise CorpusError(f"words.txt: words before the first [kind weight]: {line:.40}")
        else:
            choices = tuple(Pattern(tuple(entry.split("+"))) for entry in line.split())
            kinds[heading[0]] = (heading[1], kinds.get(heading[0], (0, ()))[1] + choices)
    slots = {}
    for line in _lines(folder / "slots.txt"):
        name, equals, choices_text = line.partition(" = ")
        if not equals:
            raise CorpusError(f"slots.txt: not `name = choice | choice`: {line:.40}")
        slots[name] = tuple(Pattern(tuple(choice.split())) for choice in choices_text.split("|"))
    patterns = []
    for line in _lines(folder / "sentences.txt"):
        weight, star, text = line.rpartition(" * ")
        patterns.append(Pattern(tuple(text.split()), int(weight) if star else 1))
    corpus = Corpus(kinds, slots, tuple(patterns))
    _check_slots(corpus)
    return corpus


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _check_slots(corpus: Corpus) -> None:
    known = {*corpus.kinds, *corpus.slots, *numerals.SPOKEN}
    for pattern in (*corpus.patterns, *(p for choices in corpus.slots.values() for p in choices)):
        if not pattern.tokens:
            raise CorpusError("slots.txt or sentences.txt: an empty pattern")
        for token in pattern.tokens:
            if token.startswith("{") and token[1:-1] not in known:
                raise CorpusError(f"no slot or kind is named {token} ({' '.join(pattern.tokens)})")
