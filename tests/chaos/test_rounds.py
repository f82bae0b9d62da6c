"""Everything that can die does so with callers in every stage: no call, no ticket is lost."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ari_app.sip_caller.media import raw_sockets_allowed
from asterisk_conf.install import Installation
from tests.chaos.faults import FAULTS
from tests.chaos.house import House, house
from tests.chaos.round import play_round

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not raw_sockets_allowed(), reason="needs raw sockets"),
]

SEED = os.environ.get("HUISHENG_CHAOS_SEED", "1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("house"), installation) as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_call_keeps_its_one_ticket(home: House, fault: str) -> None:
    seed = f"{SEED}-{fault}"
    played = await play_round(home, FAULTS[fault], seed, waiting=11 if fault == "kill" else 2)
    assert played.all_problems == [], f"seed {seed}"
