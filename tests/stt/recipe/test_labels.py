"""Labels of the training speech: a shifted label teaches the network the wrong sounds."""

import numpy as np

from stt.recipe.labels import frame_labels, segments
from stt.recipe.phones import SILENCE, PhoneSet, canonical

RATE = 1000  # samples of these events are milliseconds
PHONES = PhoneSet(("a", "n", "n_", "t"))


def test_syllable_of_phonemes_becomes_segments_in_seconds() -> None:
    events = [(0, "t"), (60, "a"), (200, "_|"), (200, "")]
    assert segments(events, 200, RATE) == [(0.0, "t"), (0.06, "a")]


def test_pause_is_silence_and_a_short_gap_belongs_to_the_next_consonant() -> None:
    events = [(100, "a"), (200, "_:"), (400, "t"), (450, "a"), (500, "_|"), (550, "t"), (600, "_")]
    assert segments(events, 900, RATE) == [
        (0.1, "a"),
        (0.2, SILENCE),
        (0.4, "t"),
        (0.45, "a"),
        (0.5, "t"),
        (0.6, SILENCE),
    ]


def test_silence_before_the_first_phone_is_silence_however_short() -> None:
    assert segments([(0, "_"), (50, "a")], 100, RATE) == [(0.0, SILENCE), (0.05, "a")]


def test_second_of_two_equal_digits_stays_a_segment_of_its_own() -> None:
    events = [(0, "a"), (100, "_|"), (100, "a"), (200, "_")]
    assert segments(events, 200, RATE) == [(0.0, "a"), (0.1, "a")]


def test_final_nasal_is_another_phone_than_the_initial_one() -> None:
    assert (canonical(0, "n"), canonical(2, "n"), canonical(1, "a")) == ("n", "n_", "a")
    events = [(0, "n"), (50, "a"), (150, "n"), (200, "_|"), (200, "n")]
    assert [phone for _, phone in segments(events, 300, RATE)] == ["n", "a", "n_", "n"]


def test_first_frames_of_a_phone_have_its_onset_pdf() -> None:
    labels = frame_labels(20, [(0.0, SILENCE), (0.1, "a")], PHONES)
    first, rest = PHONES.pdfs["a"]
    # frame t has its centre at 10 t + 12.5 ms
    assert labels.tolist() == [0] * 9 + [first] * 3 + [rest] * 8


def test_every_label_is_an_output_of_the_network() -> None:
    pdfs = [pdf for pair in PHONES.pdfs.values() for pdf in pair]
    assert sorted(set(pdfs)) == list(range(PHONES.pdf_count))
    assert frame_labels(3, [(0.0, SILENCE)], PHONES).dtype == np.int64


def test_position_in_the_word_is_part_of_a_phone_s_name_and_not_of_its_sound() -> None:
    assert PHONES.place(("t", "a", "n_")) == ["t_B", "a_I", "n__E"]
    assert PHONES.place(("a",)) == ["a_S"]
    assert PHONES.place(("SPN",)) == ["SPN"]
    assert PHONES.ids["SIL"] == 1
    assert {PHONES.states[PHONES.ids[f"a_{p}"] - 1] for p in "BIES"} == {(1, PHONES.pdfs["a"])}
    kinds = PHONES.word_boundary().splitlines()
    assert kinds[:4] == ["1 nonword", "2 singleton", "3 begin", "4 internal"]
    assert len(kinds) == len(PHONES.names)
