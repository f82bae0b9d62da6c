"""Hot words and dialect words: mending what a recogniser misheard, by how it sounds.

A stretch of text that sounds like a listed word of three Chinese characters or more, and is not
that word, becomes it; every character keeps its place, so the times of words stay. Shorter words
sound like too much else. Digits are never touched, and what is already a listed word, or an idiom
of numbers, is left alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from pypinyin import lazy_pinyin

from stt.digits import DIGITS, IDIOMS
from stt.errors import SpeechError
from stt.transcript import Word

TIANJIN = Path(__file__).with_name("tianjin.tsv")
SHORTEST = 3
"""Chinese characters; below it words are glossed but not mended."""
LONGEST = 20
_FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("h", "f"))
"""Initials that southern and Tianjin speakers, and recognisers, don't keep apart."""
_CHILD_WORDS = frozenset("科子童女媳歌戏孙")
"""After these beginnings of 儿科, 儿子, … 儿 is no suffix of the word before."""


class LexiconError(SpeechError):
    """A word list cannot be read; the message names the file, the line and the mend."""


@dataclass(frozen=True, slots=True)
class Gloss:
    """A dialect word in a text, characters `start` to `end`, and what it means."""

    start: int
    end: int
    word: str
    meaning: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word to listen for. same: so many characters besides 儿 must have been heard right."""

    word: str
    sounds: tuple[str, ...]
    same: int


class Lexicon:
    """Words of the company and of the region."""

    def __init__(
        self, hot_words: Iterable[str], dialect: Iterable[tuple[str, str]], *, fuzzy: bool = True
    ) -> None:
        """Args:
        hot_words: products, places, people, as they are written.
        dialect: words and their meanings.
        fuzzy: whether z and zh, c and ch, s and sh, l and n, f and h sound alike.
        """
        self._fuzzy = fuzzy
        self._meanings = dict(dialect)
        words = dict.fromkeys((*(word.strip() for word in hot_words), *self._meanings), 0)
        words.pop("", None)
        self._known = (*words, *IDIOMS)
        self._entries: dict[str, list[_Entry]] = defaultdict(list)
        for word in words:
            if sum(map(_is_chinese, word)) >= SHORTEST and len(word) <= LONGEST:
                entry = _Entry(word, _spoken(word, fuzzy), int(word in self._meanings))
                for first in {entry.sounds[0], word[0]}:
                    self._entries[first].append(entry)

    @classmethod
    def load(
        cls, hot_words: Iterable[str] = (), path: Path | None = TIANJIN, *, fuzzy: bool = True
    ) -> "Lexicon":
        """The hot words, and the dialect words of a file (`word<tab>meaning`, # for comments).

        Raises:
            LexiconError: the file cannot be read or a line is not of that form.
        """
        return cls(hot_words, _read(path) if path is not None else (), fuzzy=fuzzy)

    def correct(self, text: str) -> str:
        """`text` with misheard words mended: as many characters; twice is the same as once."""
        kept = self._kept(text)
        sounds = [_sound(character, self._fuzzy) for character in text]
        mended, position = list(text), 0
        while position < len(text):
            word = self._word_at(text, sounds, kept, position)
            if word:
                mended[position : position + len(word)] = word
            position += len(word) or 1
        return "".join(mended)

    def correct_words(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The same over recognised words; each keeps its times and its confidence."""
        text = self.correct("".join(word.text for word in words))
        mended, position = [], 0
        for word in words:
            end = position + len(word.text)
            mended.append(replace(word, text=text[position:end]))
            position = end
        return tuple(mended)

    def glosses(self, text: str) -> tuple[Gloss, ...]:
        """The dialect words of `text` in order, the longest where they overlap."""
        found: list[Gloss] = []
        longest_first = sorted(self._meanings, key=len, reverse=True)
        position = 0
        while position < len(text):
            word = next((w for w in longest_first if text.startswith(w, position)), "")
            if word and not _goes_on(text, position + len(word), word):
                found.append(Gloss(position, position + len(word), word, self._meanings[word]))
                position += len(word)
            else:
                position += 1
        return tuple(found)

    def _word_at(self, text: str, sounds: list[str], kept: list[bool], position: int) -> str:
        """The one listed word that is meant here; empty if none or nobody can say which."""
        meant: set[tuple[int, int, str]] = set()
        for first in {sounds[position], text[position]}:
            for entry in self._entries.get(first, ()):
                end = position + len(entry.word)
                if end > len(text) or any(kept[position:end]) or _goes_on(text, end, entry.word):
                    continue
                heard = text[position:end]
                same = _same(entry.word, heard)
                if (
                    same >= entry.same
                    and _alike(entry, heard, sounds[position:end])
                    and _digits_stay(entry.word, heard)
                ):
                    meant.add((len(entry.word), same, entry.word))
        best = sorted(meant, reverse=True)
        if len(best) > 1 and best[0][:2] == best[1][:2]:
            return ""
        return best[0][2] if best else ""

    def _kept(self, text: str) -> list[bool]:
        """Which characters are part of a listed word or an idiom already."""
        kept = [False] * len(text)
        for word in self._known:
            start = text.find(word)
            while start >= 0:
                kept[start : start + len(word)] = [True] * len(word)
                start = text.find(word, start + 1)
        return kept


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}: {error}; give a UTF-8 file of word<tab>meaning") from error
    entries = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, meaning = (part.strip() for part in line.partition("\t"))
        if not (word and meaning):
            raise LexiconError(f"{path}, line {number}: not word<tab>meaning: {line:.40}")
        entries.append((word, meaning))
    return entries


def _spoken(word: str, fuzzy: bool) -> tuple[str, ...]:
    """How a word sounds, character by character; 长城 as a word, not as two characters."""
    readings = iter(lazy_pinyin("".join(filter(_is_chinese, word))))
    return tuple(
        _blurred(next(readings), fuzzy) if _is_chinese(character) else character.lower()
        for character in word
    )


@lru_cache(maxsize=8192)
def _sound(character: str, fuzzy: bool) -> str:
    """The usual reading of a character: its rare ones (么 as ma) make words of what is none. A
    character that is not Chinese is itself."""
    if not _is_chinese(character):
        return character.lower()
    return _blurred(lazy_pinyin(character)[0], fuzzy)


def _alike(entry: _Entry, heard: str, sounds: Sequence[str]) -> bool:
    """The same character sounds the same, whatever its reading: 行 in 银行."""
    pairs = zip(entry.word, heard, entry.sounds, sounds, strict=True)
    return all(a == b or c == d for a, b, c, d in pairs)


def _blurred(reading: str, fuzzy: bool) -> str:
    if fuzzy:
        for sharp, blunt in _FUZZY:
            if reading.startswith(sharp):
                return blunt + reading[len(sharp) :]
    return reading


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" or character == "〇"


def _same(word: str, heard: str) -> int:
    return sum(a == b != "儿" for a, b in zip(word, heard, strict=True))


def _digits_stay(word: str, heard: str) -> bool:
    return all(a == b for a, b in zip(word, heard, strict=True) if b in DIGITS or b.isdigit())


def _goes_on(text: str, end: int, word: str) -> bool:
    """倍儿 in 两倍儿童票 is no word."""
    return word.endswith("儿") and text[end : end + 1] in _CHILD_WORDS
