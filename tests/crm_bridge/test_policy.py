"""When to try again and when to give up: a mistake floods a CRM that is down, or loses a ticket."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.connectors.webhook import classify, seconds_asked
from crm_bridge.outcome import Accepted, Gone, Outcome, Rejected, Unavailable
from crm_bridge.policy import (
    LEAST_ATTEMPTS,
    LONGEST_RETRY_AFTER,
    REJECTIONS,
    Again,
    Dead,
    Decision,
    Done,
    backoff,
    decide,
)
from crm_bridge.settings import BridgeSettings

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SETTINGS = BridgeSettings(retry_first_seconds=1, retry_most_seconds=600, give_up_after_hours=72)
CHANCE = st.floats(0, 1)


def _decide(outcome: Outcome, attempts: int, age: timedelta, draw: float = 1.0) -> Decision:
    return decide(
        outcome,
        attempts=attempts,
        since=NOW - age,
        now=NOW,
        settings=SETTINGS,
        draw=lambda: draw,
    )


@given(st.integers(-5, 10**9), CHANCE)
def test_a_wait_never_leaves_its_bounds(failures: int, chance: float) -> None:
    wait = backoff(failures, SETTINGS, lambda: chance)
    assert 0 <= wait <= 600
    assert wait <= 2.0 ** min(max(failures, 1) - 1, 60)


def test_waits_double_up_to_the_most() -> None:
    waits = [backoff(n, SETTINGS, lambda: 1.0) for n in range(1, 13)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert backoff(4, SETTINGS, lambda: 0.25) == 2


@given(st.integers(0, 10_000), st.floats(0, 1000), CHANCE)
def test_an_unavailable_target_costs_no_entry_before_its_time(
    attempts: int, hours: float, chance: float
) -> None:
    decision = _decide(Unavailable("down"), attempts, timedelta(hours=hours), chance)
    if hours < 72 or attempts + 1 < LEAST_ATTEMPTS:
        assert isinstance(decision, Again)
        assert NOW <= decision.at <= NOW + timedelta(seconds=600)
    else:
        assert decision == Dead("down")


def test_a_replayed_old_entry_gets_several_attempts() -> None:
    old = timedelta(days=30)
    attempts = 0
    while isinstance(_decide(Unavailable("down"), attempts, old), Again):
        attempts += 1
    assert attempts + 1 == LEAST_ATTEMPTS


def test_a_rejected_entry_is_dead_after_a_few_attempts_however_young() -> None:
    decisions = [_decide(Rejected("no"), n, timedelta(0)) for n in range(REJECTIONS)]
    assert [type(one) for one in decisions] == [Again] * (REJECTIONS - 1) + [Dead]


@given(st.floats(-10, 1e12))
def test_retry_after_is_honoured_up_to_an_hour(seconds: float) -> None:
    decision = _decide(Unavailable("busy", seconds), 0, timedelta(0), draw=0.0)
    assert isinstance(decision, Again)
    waited = (decision.at - NOW).total_seconds()
    assert waited == pytest.approx(min(max(seconds, 0), LONGEST_RETRY_AFTER), abs=1e-3)


def test_an_accepted_entry_is_done_and_one_for_a_gone_target_waits() -> None:
    assert _decide(Accepted(), 3, timedelta(0)) == Done()
    assert _decide(Gone("HTTP 410"), 3, timedelta(days=9)) == Again(NOW, "HTTP 410")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Accepted), (202, Accepted), (204, Accepted), (299, Accepted),
        (301, Unavailable), (307, Unavailable), (304, Unavailable),
        (400, Rejected), (413, Rejected), (415, Rejected), (422, Rejected), (409, Rejected),
        (401, Unavailable), (403, Unavailable), (404, Unavailable), (405, Unavailable),
        (408, Unavailable), (425, Unavailable), (429, Unavailable),
        (410, Gone),
        (500, Unavailable), (502, Unavailable), (503, Unavailable), (504, Unavailable),
        (999, Unavailable),
    ],
)  # fmt: skip
def test_what_a_status_says(status: int, kind: type[Outcome]) -> None:
    assert isinstance(classify(status, "words", None, None, NOW), kind)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("120", 120.0), (" 7 ", 7.0), ("0", 0.0), ("", None), ("soon", None),
        ("-5", None), ("1.5", None), ("٣", None), ("9" * 400, 999999999999.0),
        ("Mon, 05 Jan 2026 09:00:30 GMT", 30.0), ("Mon, 05 Jan 2026 08:00:00 GMT", 0.0),
        ("Mon, 05 Jan 2026 09:00:30 -0000", 30.0), ("Mon, 99 Jan 2026 09:00:30 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_in_all_its_forms(header: str | None, seconds: float | None) -> None:
    assert seconds_asked(header, NOW) == seconds


@given(st.text())
def test_a_hostile_retry_after_is_no_error(header: str) -> None:
    seconds_asked(header, NOW)
