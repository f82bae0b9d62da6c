"""The lease that frees callers of a dead application, and the number that agents see."""

import pytest

from ari_app.calls.lease import MARGIN_SECONDS, Lease
from ari_app.calls.talk.legs import shown_number

LEASE = 10.0


class Dialplan:
    """Keeps the lease as Asterisk does, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ends: float = self.now + LEASE
        self.sets: list[int] = []
        self.lease = Lease(LEASE, lambda: self.now, self._set)

    async def _set(self, seconds: int) -> None:
        self.sets.append(seconds)
        self.ends = self.now + seconds if seconds else float("inf")


async def test_step_that_ends_in_time_costs_no_request() -> None:
    dialplan = Dialplan()
    await dialplan.lease.cover(LEASE - MARGIN_SECONDS)
    assert dialplan.sets == []


@pytest.mark.parametrize("step", [8.5, 30.0, 120.0])
async def test_caller_of_a_frozen_application_is_freed_after_the_step_it_froze_in(
    step: float,
) -> None:
    dialplan = Dialplan()
    dialplan.now += 5
    await dialplan.lease.cover(step)
    assert dialplan.now + step + MARGIN_SECONDS <= dialplan.ends
    assert dialplan.ends <= dialplan.now + step + MARGIN_SECONDS + LEASE
    await dialplan.lease.cover(step)
    assert len(dialplan.sets) == 1


async def test_lease_that_a_former_process_has_set_is_renewed_before_the_first_step() -> None:
    dialplan = Dialplan()
    dialplan.ends = dialplan.now + 3  # which nobody has told us
    dialplan.lease.doubt()
    await dialplan.lease.cover(6)
    assert dialplan.now + 6 + MARGIN_SECONDS <= dialplan.ends


async def test_talk_has_no_limit_and_what_follows_has_one_again() -> None:
    dialplan = Dialplan()
    await dialplan.lease.suspend()
    assert dialplan.ends == float("inf")
    dialplan.now += 7200
    await dialplan.lease.cover(60)
    assert dialplan.sets == [0], "a limit would end the talk"
    await dialplan.lease.restore()
    assert dialplan.ends == dialplan.now + LEASE


@pytest.mark.parametrize(
    ("caller_id", "shown"),
    [
        ("02253456789", "02253456789"),
        ("+8613800138000", "8613800138000"),
        ("anonymous", "anonymous"),
        ("", "anonymous"),
        ('"><script>', "anonymous"),
        ("1)},${SHELL(id)}", "1"),
        ("123\r\nX: 456", "123456"),
        ("9" * 10_000, "9" * 20),
        ("１２３٤", "anonymous"),
    ],
)
def test_agents_phone_shows_digits_and_nothing_else_of_a_callers_choosing(
    caller_id: str, shown: str
) -> None:
    assert shown_number(caller_id) == shown
