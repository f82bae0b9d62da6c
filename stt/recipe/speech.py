"""The training set: espeak-ng's Mandarin over random telephone lines, labelled frame by frame."""

from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from stt.recipe import line
from stt.recipe.corpus import Corpus
from stt.recipe.espeak import Espeak
from stt.recipe.labels import RATE, Segment, frame_labels, segments
from stt.recipe.mfcc import mfcc
from stt.recipe.phones import SILENCE, PhoneSet

VARIANTS = (
    *("m1", "m2", "m4", "m5", "m6", "m7", "f1", "f3", "f4", "adam", "Andy", "Annie", "Denis"),
    *("Michael", "anika", "edward", "linda", "max", "paul", "steph"),
)
"""Voices of espeak-ng to train on; measure.py keeps m3 and f2 for itself."""

SPEEDS = tuple(range(120, 231, 5))
PITCHES = tuple(range(20, 91, 10))
RANGES = (30, 50, 70)
DEFAULT_VOICE_SHARE = 0.3
WITHOUT_SPEECH_SHARE = 0.07
PATTERN_SHARE = 0.5
"""Half of the utterances follow the sentence patterns; the others are random words, so that the
network learns sounds rather than sentences."""
COMMA_SHARE = 0.06

Utterance = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Features, shape (frames, coefficients), and the pdf of each frame."""


def utterances(
    count: int,
    corpus: Corpus,
    phones: PhoneSet,
    espeak: Espeak,
    seed: int,
    report: Callable[[int], None],
) -> list[Utterance]:
    """`count` labelled utterances, the same ones for the same arguments.

    `report` is called with the number made so far.
    """
    rng, noise = Random(seed), np.random.default_rng(seed)
    vocabulary = corpus.vocabulary()
    made: list[Utterance] = []
    while len(made) < count:
        if rng.random() < WITHOUT_SPEECH_SHARE:
            spoken: list[Segment] = [(0.0, SILENCE)]
            audio = line.without_speech(rng, noise)
        else:
            audio, spoken = _utterance(rng, corpus, vocabulary, espeak)
        if all(phone in phones.pdfs for _, phone in spoken):  # sandhi may bring a foreign syllable
            features = mfcc(line.through(audio, noise))
            made.append((features, frame_labels(len(features), spoken, phones)))
            report(len(made))
    return made


def _utterance(
    rng: Random, corpus: Corpus, vocabulary: list[str], espeak: Espeak
) -> tuple[line.Audio, list[Segment]]:
    variant = "" if rng.random() < DEFAULT_VOICE_SHARE else rng.choice(VARIANTS)
    speed, pitch, pitch_range = rng.choice(SPEEDS), rng.choice(PITCHES), rng.choice(RANGES)
    pieces: list[line.Audio] = []
    spoken: list[Segment] = []
    length = 0
    for _ in range(1 if rng.random() < 0.8 else 2):
        pause = np.zeros(int(rng.choice((0.05, 0.2, 0.4, 0.8, 1.2)) * rng.random() * RATE))
        spoken.append((length / RATE, SILENCE))
        length += len(pause)
        said = espeak.say(_text(rng, corpus, vocabulary), variant, speed, pitch, pitch_range)
        found = segments(said.phonemes, len(said.samples), said.rate)
        spoken += [(length / RATE + start, phone) for start, phone in found]
        audio = line.to_line_rate(said.samples, said.rate)
        pieces += [pause, audio]
        length += len(audio)
    spoken.append((length / RATE, SILENCE))
    pieces.append(np.zeros(int(rng.random() * RATE)))
    return np.concatenate(pieces), spoken


def _text(rng: Random, corpus: Corpus, vocabulary: list[str]) -> str:
    if rng.random() < PATTERN_SHARE:
        words = corpus.sentences(1, rng)[0]
    else:
        words = [rng.choice(vocabulary) for _ in range(rng.randint(2, 7))]
    return "".join(word + ("，" if rng.random() < COMMA_SHARE else "") for word in words)
