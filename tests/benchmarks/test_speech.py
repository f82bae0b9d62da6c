"""The arithmetic behind the published figures of speech: a mistake would praise or damn a pool."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speech_load.figures import Round, goals, last_words, percentile, ratio, together
from benchmarks.speech_load.slowed import Slowed
from benchmarks.speech_load.sound import FRAME_BYTES, RATE, Sentence, party
from stt.live.rehearsal import rehearse
from tests.stt.live.engines import Script

BEGAN = 100.0
SPANS = ((0.0, 2.0), (4.0, 6.0))


def test_percentile_is_one_of_the_values() -> None:
    assert [percentile([3, 1, 2, 4], share) for share in (0.25, 0.5, 0.95, 1)] == [1, 2, 4, 4]
    assert math.isnan(percentile([], 0.5))


def test_last_word_is_late_from_its_end_to_the_last_change_that_was_seen() -> None:
    shown = [(101.0, 0.0), (102.1, 0.0), (102.9, 1.99), (105.0, 0.0), (106.4, 0.0), (107.0, 6.1)]
    late, missed = last_words(BEGAN, shown, SPANS, 8.0)
    assert late == pytest.approx([100, 400])
    assert missed == 0


def test_word_that_only_the_final_result_had_is_as_late_as_that() -> None:
    late, _ = last_words(BEGAN, [(103.0, 2.0)], SPANS[:1], 4.0)
    assert late == pytest.approx([1000])


def test_breath_inside_a_sentence_is_not_its_end() -> None:
    shown = [(100.9, 0.0), (101.5, 0.8), (102.2, 0.0), (103.0, 2.0)]
    late, missed = last_words(BEGAN, shown, SPANS[:1], 4.0)
    assert (late, missed) == (pytest.approx([200]), 0)


def test_sentence_that_nobody_saw_is_missed_and_one_cut_off_does_not_count() -> None:
    assert last_words(BEGAN, [], SPANS, 8.0) == ([], 2)
    assert last_words(BEGAN, [], SPANS, 6.3) == ([], 1)


def contender(cpu: float, late: tuple[float, ...] = (100.0,), incomplete: int = 0) -> Round:
    return Round(cpu, late, 0, incomplete)


def test_round_is_made_of_what_its_streams_saw() -> None:
    stream = {"began": BEGAN, "shown": [(102.1, 0.0), (102.9, 2.0)], "seconds": 8.0}
    found = {"cpu": 0.08, "seconds": 8.0, "complete": 1, "streams": [stream]}
    one = Round.of(found, [SPANS])
    assert one.cpu_ms == pytest.approx(10)
    assert one.late == pytest.approx((100,))
    assert (one.missed, one.incomplete) == (1, 0)


def test_pool_that_gave_a_stream_up_does_not_keep_up_however_prompt_the_others_were() -> None:
    assert contender(10).keeps_up
    assert not contender(10, incomplete=1).keeps_up
    assert not contender(10, late=(100.0, 600.0)).keeps_up


def test_rounds_are_compared_with_their_neighbours() -> None:
    ours = [contender(11), contender(22), contender(60)]
    bare = [contender(10), contender(20), contender(20)]
    assert ratio(ours, bare) == pytest.approx(1.1)
    assert together(ours)["cpu_ms_per_second"] == 11
    assert together(ours)["sentences"] == 3


def test_goals_say_what_was_missed() -> None:
    pool = {"last_word_ms_p50": 301}
    results = {
        "cost": {"ratio": 1.1, "pool": pool},
        "full": {"live": 6, "afterwards": 33, "refused": 34},
        "recordings": {"ratio": 0.95},
    }
    assert [line.rpartition(", ")[2] for line in goals(results)] == [
        "met",
        "MISSED",
        "met",
        "MISSED",
        "met",
    ]
    assert goals({}) == []


def test_parties_say_whole_sentences_and_know_where_they_end() -> None:
    said = [Sentence(str(n), bytes(FRAME_BYTES * (50 + n)), 0.5) for n in range(3)]
    first, second = party(0, said, 10), party(1, said, 10)
    for speech in (first, second):
        assert len(speech.pcm) % FRAME_BYTES == 0
        assert len(speech.pcm) / 2 / RATE >= 10
        assert all(over - start == pytest.approx(0.5) for start, over in speech.spans)
    assert first.spans[0][0] == 0
    assert second.spans[0][0] == pytest.approx(7 * 0.02)
    assert party(1, said, 10) == second


def test_slowed_engine_costs_what_it_says() -> None:
    assert rehearse(Slowed(Script(), 0.2)) == pytest.approx(0.2, rel=0.1)


def test_benchmark_says_how_it_is_used() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "speech.py"
    done = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "--quick" in done.stdout
