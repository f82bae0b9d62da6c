"""The phone set: espeak-ng's toneless phonemes, their HMM states and acoustic classes (pdfs).

Phones carry their position in the word (B begin, I internal, E end, S single), which the decoder
needs for word times; the four forms of a phone share their pdfs. Every speech phone has two pdfs,
one for its first 30 ms and one for the rest, else two equal phones in a row (二二) become one.
"""

from dataclasses import dataclass
from functools import cached_property

SILENCE, GARBAGE = "SIL", "SPN"
"""Silence is phone 1; garbage, phone 2, is what the word [unk] sounds like."""

GARBAGE_STATES = 5
"""[unk] lasts at least this many decoded frames of 30 ms."""

POSITIONS = {"B": "begin", "I": "internal", "E": "end", "S": "singleton"}
FINAL_NASALS = ("n", "N")

Lexicon = dict[str, list[tuple[str, ...]]]
"""Word → its pronunciations, each a tuple of phones without position."""


def canonical(position: int, phoneme: str) -> str:
    """The phone of espeak-ng's `phoneme` at `position` in its syllable: a final n is not an n."""
    return phoneme + "_" if position and phoneme in FINAL_NASALS else phoneme


@dataclass(frozen=True)
class PhoneSet:
    """`speech` holds the speech phones without position, sorted."""

    speech: tuple[str, ...]

    @cached_property
    def pdfs(self) -> dict[str, tuple[int, int]]:
        """Phone → (pdf of its first 30 ms, pdf of the rest)."""
        table = {SILENCE: (0, 0), GARBAGE: (1, 1)}
        for i, phone in enumerate(self.speech):
            table[phone] = (2 * i + 3, 2 * i + 2)
        return table

    @property
    def pdf_count(self) -> int:
        """Outputs of the network."""
        return 2 + 2 * len(self.speech)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Phones with position; the id of a phone is its index plus one."""
        placed = (f"{phone}_{position}" for phone in self.speech for position in POSITIONS)
        return (SILENCE, GARBAGE, *placed)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Phone with position → id."""
        return {name: i for i, name in enumerate(self.names, 1)}

    @cached_property
    def states(self) -> tuple[tuple[int, tuple[int, int]], ...]:
        """Per phone id − 1: how many HMM states, and their (first, rest) pdfs."""
        speech = [(1, self.pdfs[phone]) for phone in self.speech for _ in POSITIONS]
        return ((1, self.pdfs[SILENCE]), (GARBAGE_STATES, self.pdfs[GARBAGE]), *speech)

    def place(self, pronunciation: tuple[str, ...]) -> list[str]:
        """The phones of a word, each with its position."""
        if pronunciation == (GARBAGE,):
            return [GARBAGE]
        if len(pronunciation) == 1:
            return [pronunciation[0] + "_S"]
        first, *middle, last = pronunciation
        return [first + "_B", *(phone + "_I" for phone in middle), last + "_E"]

    def word_boundary(self) -> str:
        """Contents of graph/phones/word_boundary.int: one `id kind` a line."""
        kinds = ["nonword", "singleton"] + [POSITIONS[name[-1]] for name in self.names[2:]]
        return "".join(f"{i} {kind}\n" for i, kind in enumerate(kinds, 1))
