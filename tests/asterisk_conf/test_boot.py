"""Does Asterisk start with what we render, say nothing, stop, and start again?"""

import pytest

from asterisk_conf.server import AsteriskServer
from tests.rig.asterisk import BootAsterisk

pytestmark = pytest.mark.asterisk


def test_an_administrator_sees_no_warning_at_the_first_start(fresh_asterisk: BootAsterisk):
    assert fresh_asterisk().complaints() == []


async def test_every_listed_module_runs(asterisk: AsteriskServer):
    shown = await asterisk.cli("module show")
    stopped = [line for line in shown.splitlines() if "Not Running" in line]
    assert stopped == []


async def test_a_second_start_is_as_silent_as_the_first(fresh_asterisk: BootAsterisk):
    server = fresh_asterisk()
    await server.stop()
    assert not server.running()
    await server.start()
    assert server.complaints() == []
