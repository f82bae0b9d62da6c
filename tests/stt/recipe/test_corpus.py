"""The words of the bundled model: what a caller of a 400 number says must be among them."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stt.recipe.corpus import TEXT, Corpus, CorpusError, load
from stt.recipe.numerals import SPOKEN, cardinal, lexical

UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - sentences, not secrets


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load()


def value(text: str) -> int:
    """What a spoken number means; the inverse of `cardinal`, written independently."""
    total, pending = 0, 0
    for character in text:
        if character in UNITS:
            total += (pending or 1) * UNITS[character]
            pending = 0
        else:
            pending = DIGITS[character]
    return total + pending


@given(st.integers(1, 99_999))
def test_spoken_number_means_the_number(n: int) -> None:
    assert value("".join(cardinal(n))) == n
    assert set(cardinal(n)) <= set(lexical())


@pytest.mark.parametrize(
    ("n", "spoken"),
    [(10, "十"), (12, "十二"), (115, "一百一十五"), (1005, "一千零五"), (2015, "两千零一十五")],
)
def test_numbers_are_said_as_people_say_them(n: int, spoken: str) -> None:
    assert "".join(cardinal(n)) == spoken


@pytest.mark.parametrize("slot", SPOKEN)
def test_no_random_number_leaves_the_vocabulary(slot: str) -> None:
    rng, known = seeded(1), set(lexical())
    for _ in range(500):
        assert set(SPOKEN[slot](rng)) <= known


def test_every_sentence_is_made_of_known_words(corpus: Corpus) -> None:
    known = set(corpus.vocabulary())
    sentences = corpus.sentences(5000, seeded(2))
    assert {word for words in sentences for word in words} <= known
    assert all(sentences)
    assert set(corpus.prior()) == known


def test_equal_seeds_give_equal_sentences(corpus: Corpus) -> None:
    assert corpus.sentences(50, seeded(3)) == load().sentences(50, seeded(3))


def test_vocabulary_is_chinese_without_doubles(corpus: Corpus) -> None:
    words = corpus.vocabulary()
    assert len(words) == len(set(words))
    assert all("\u4e00" <= character <= "\u9fff" for word in words for character in word)


def test_held_out_sentences_are_not_taught(corpus: Corpus) -> None:
    taught = {"".join(words) for words in corpus.sentences(60_000, seeded(3))}
    lines = (TEXT / "held_out.txt").read_text(encoding="utf-8").splitlines()
    asked = {line for line in lines if line and not line.startswith("#")}
    assert len(asked) > 50
    # a word or two such as 再见 may well be said by chance
    assert not {line for line in asked & taught if len(line) > 4}


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("words.txt", "投诉", r"words before the first \[kind weight\]"),
        ("slots.txt", "hello 您好", "not `name = choice"),
        ("sentences.txt", "我 要 {nothing}", r"no slot or kind is named \{nothing\}"),
    ],
)
def test_slip_in_the_texts_is_named(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    for name in ("words.txt", "slots.txt", "sentences.txt"):
        (tmp_path / name).write_text(text if name == file else "", encoding="utf-8")
    with pytest.raises(CorpusError, match=complaint):
        load(tmp_path)
