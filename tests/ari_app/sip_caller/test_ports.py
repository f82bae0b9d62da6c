"""Media ports: one that is also Asterisk's own would send a call's sound into another call."""

import pytest

from ari_app.sip_caller.ears import Ears
from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.messages import PORT_OFFSET, PORT_STEP
from ari_app.sip_caller.ports import (
    CALLS_TO_REPEAT,
    FIRST_MEDIA_PORT,
    LAST_MEDIA_PORT,
    RANGE,
    free_media_port,
)


@pytest.mark.parametrize("calls", [1, 50, CALLS_TO_REPEAT, 100_000])
def test_the_ports_of_all_calls_lie_below_asterisks(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(RANGE, raising=False)
    last = PORT_OFFSET + PORT_STEP * min(calls, CALLS_TO_REPEAT)
    for _ in range(20):
        base = free_media_port("127.0.0.1", calls, listened=min(calls, 5))
        assert base >= FIRST_MEDIA_PORT
        assert base + last <= LAST_MEDIA_PORT


@pytest.mark.parametrize(("calls", "own"), [(1, 1), (300, 300), (CALLS_TO_REPEAT, 400)])
def test_callers_of_two_processes_keep_out_of_one_anothers_range(
    calls: int, own: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RANGE, "9501-12999")
    for _ in range(50):
        base = free_media_port("127.0.0.1", calls, listened=1)
        assert base % 2 == 0
        assert base >= 9500
        assert base + PORT_OFFSET + PORT_STEP * own <= 12_999


@pytest.mark.parametrize("named", ["", "6000", "6000-", "9000-6000", "6000-6100", "a-b"])
def test_range_that_is_none_is_told(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RANGE, named)
    with pytest.raises(ValueError, match="6000-9999"):
        free_media_port("127.0.0.1", 1, listened=0)


async def test_ears_that_find_a_port_taken_let_go_of_the_others() -> None:
    base = free_media_port("127.0.0.1", 4, listened=4)
    async with Ears("127.0.0.1", base + 2 * PORT_STEP, 1, 100):
        with pytest.raises(PortsTakenError, match="in use"):
            async with Ears("127.0.0.1", base, 4, 100):
                pass
    async with Ears("127.0.0.1", base, 4, 100):
        pass
