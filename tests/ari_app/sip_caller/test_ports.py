"""Media ports: one that is also Asterisk's own would send a call's sound into another call."""

import pytest

from ari_app.sip_caller.ears import Ears
from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.messages import PORT_OFFSET, PORT_STEP
from ari_app.sip_caller.ports import (
    CALLS_TO_REPEAT,
    FIRST_MEDIA_PORT,
    LAST_MEDIA_PORT,
    free_media_port,
)


@pytest.mark.parametrize("calls", [1, 50, CALLS_TO_REPEAT, 100_000])
def test_the_ports_of_all_calls_lie_below_asterisks(calls: int) -> None:
    last = PORT_OFFSET + PORT_STEP * min(calls, CALLS_TO_REPEAT)
    for _ in range(20):
        base = free_media_port("127.0.0.1", calls, listened=min(calls, 5))
        assert base >= FIRST_MEDIA_PORT
        assert base + last <= LAST_MEDIA_PORT


async def test_ears_that_find_a_port_taken_let_go_of_the_others() -> None:
    base = free_media_port("127.0.0.1", 4, listened=4)
    async with Ears("127.0.0.1", base + 2 * PORT_STEP, 1, 100):
        with pytest.raises(PortsTakenError, match="in use"):
            async with Ears("127.0.0.1", base, 4, 100):
                pass
    async with Ears("127.0.0.1", base, 4, 100):
        pass
