"""Does an Asterisk outlive us when it must, die with us when it should, say why it cannot start?"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from asterisk_conf import secrets
from asterisk_conf.errors import ControlError, StartError
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer, awaiting_restart
from asterisk_conf.settings import PbxSettings
from tests.rig.asterisk import BootAsterisk, pbx_settings, server_in

pytestmark = pytest.mark.asterisk


def long_lived(folder: Path, installation: Installation, pbx: PbxSettings) -> AsteriskServer:
    return AsteriskServer(
        installation,
        pbx,
        secrets.load(folder, pbx, {}),
        Paths.under(folder, installation.modules_dir),
    )


async def test_the_next_process_adopts_a_running_asterisk_with_its_calls(
    tmp_path: Path, installation: Installation
):
    pbx = pbx_settings()
    first = long_lived(tmp_path, installation, pbx)
    await first.start()
    second = long_lived(tmp_path, installation, pbx)
    try:
        await second.start()
        assert second.adopted
        assert second.pid == first.pid
        assert second.restart_needed == ()
    finally:
        await second.stop()
    assert not first.running()
    await first.stop()


async def test_an_idle_asterisk_is_started_anew_for_what_it_reads_only_then(
    tmp_path: Path, installation: Installation
):
    pbx = pbx_settings()
    first = long_lived(tmp_path, installation, pbx)
    await first.start()
    rtp = pbx.rtp.model_copy(update={"last": pbx.rtp.last - 100})
    second = long_lived(tmp_path, installation, pbx.model_copy(update={"rtp": rtp}))
    try:
        await second.start()
        assert not second.adopted
        assert awaiting_restart(second.paths) == ()
        assert str(rtp.last) in await second.cli("rtp show settings")
    finally:
        await second.stop()
    await first.stop()


_STARTER = """
import asyncio, sys, time
from pathlib import Path
from asterisk_conf import install
from tests.rig.asterisk import pbx_settings, server_in
async def main():
    server = server_in(Path(sys.argv[1]), install.find(), pbx_settings())
    await server.start()
    print(server.pid, flush=True)
    time.sleep(600)
asyncio.run(main())
"""


async def test_an_asterisk_on_our_leash_dies_with_us_even_when_we_are_killed(
    tmp_path: Path, installation: Installation
):
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert starter.stdout is not None
    with starter, starter.stdout:
        pid = int(await asyncio.to_thread(starter.stdout.readline))
        descriptor = os.pidfd_open(pid)
        starter.send_signal(signal.SIGKILL)
        starter.wait(10)
    try:
        ended = await asyncio.to_thread(_ended, descriptor)
    finally:
        os.close(descriptor)
    assert ended


def _ended(descriptor: int) -> bool:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(10_000))


async def test_a_folder_with_a_long_path_still_has_a_control_socket(
    tmp_path: Path, installation: Installation
):
    server = server_in(
        tmp_path / ("长" * 40) / "a folder with blanks", installation, pbx_settings()
    )
    try:
        await server.start()
        assert "System uptime" in await server.cli("core show uptime")
        assert server.complaints() == []
    finally:
        await server.stop()
    assert not server.running()
    assert not server.paths.run.exists()


@pytest.mark.parametrize(
    ("setting", "kind"), [("http_port", socket.SOCK_STREAM), ("sip", socket.SOCK_DGRAM)]
)
async def test_a_taken_port_is_named_with_its_setting(
    tmp_path: Path, installation: Installation, setting: str, kind: int
):
    pbx = pbx_settings()
    port = pbx.sip.port if setting == "sip" else pbx.http_port
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        server = server_in(tmp_path, installation, pbx)
        with pytest.raises(StartError, match=rf"port {port} .*pbx\.{setting}"):
            await server.start()
    assert not server.running()


async def test_an_asterisk_that_cannot_start_says_why_and_leaves_nothing_running(
    tmp_path: Path, installation: Installation
):
    broken = Installation(
        (sys.executable, "-c", "import sys; sys.exit('no such library')"),
        installation.version,
        installation.modules_dir,
        installation.data_dir,
        private=False,
    )
    server = server_in(tmp_path, broken, pbx_settings())
    with pytest.raises(StartError, match="no such library"):
        await server.start()
    assert not server.running()


async def test_a_killed_asterisk_can_be_started_again_by_the_same_object(
    fresh_asterisk: BootAsterisk,
):
    server = fresh_asterisk()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while server.running():  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(0.01)
    with pytest.raises(ControlError):
        await server.cli("core show uptime")
    await server.start()
    assert not server.adopted
    assert server.complaints() == []


async def test_a_command_cannot_smuggle_in_a_second_one(asterisk: AsteriskServer):
    with pytest.raises(ValueError, match="one line"):
        await asterisk.cli("core show uptime\0core stop now")
    assert asterisk.running()


async def test_our_own_secrets_do_not_reach_asterisks_environment(
    fresh_asterisk: BootAsterisk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HUISHENG_TRUNK_HOTLINE_PASSWORD", "carrier-pass")
    server = fresh_asterisk()
    assert b"HUISHENG" not in Path(f"/proc/{server.pid}/environ").read_bytes()
