"""Whom the machine can hear: too many, and nobody is understood; too few, and it idles."""

import threading

import pytest

from stt.live.load import LEAST_SHARE, Cost, fits, idle_share


@pytest.mark.parametrize("cost", [0.285, 0.3, 0.315])
def test_two_cores_hear_six_parties_with_a_large_model(cost: float) -> None:
    heard = 0
    while fits(heard * cost, cost, 2 * 0.97):
        heard += 1
    assert heard == 6


def test_party_is_heard_even_if_a_bad_moment_made_it_look_too_dear() -> None:
    """Else nothing would ever be measured again."""
    assert fits(0.0, 3.0, 1.9)
    assert not fits(0.1, 3.0, 1.9)


def test_nobody_is_heard_while_every_thread_is_stuck() -> None:
    assert not fits(0.0, 0.01, 0.0)


def test_cost_follows_what_is_measured_but_not_every_burst() -> None:
    cost = Cost(0.3)
    cost.note(1.0, 0.02)
    assert cost.per_second == 0.3  # a decoder works in bursts
    cost.note(0.0, 0.98)
    assert 0.3 < cost.per_second < 0.32
    for _ in range(300):
        cost.note(0.1, 1.0)
    assert cost.per_second == pytest.approx(0.1, abs=0.01)


def test_engine_that_could_not_be_measured_is_known_after_the_first_words() -> None:
    cost = Cost(None)
    assert cost.per_second == 0.0
    cost.note(0.15, 0.5)
    assert cost.per_second == pytest.approx(0.3)


def test_threads_that_measure_at_once_lose_nothing() -> None:
    cost = Cost(None)

    def note() -> None:
        for _ in range(2000):
            cost.note(0.2, 1.0)

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cost.per_second == pytest.approx(0.2)


def test_recordings_wait_for_live_speech_but_never_for_ever() -> None:
    assert idle_share(0.0, 2) == 1.0
    assert idle_share(1.0, 2) == 0.5
    assert idle_share(1.94, 2) == LEAST_SHARE > 0
    assert idle_share(5.0, 2) == LEAST_SHARE
    assert idle_share(0.0, 0) == LEAST_SHARE
