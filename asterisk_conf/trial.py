"""A trial start: does an Asterisk with this configuration start, and what does it complain about?

It runs in a temporary folder, on free ports, and reaches nobody: trunks are kept, but their
addresses are replaced by a socket of ours that never answers, so that no carrier sees a second
registration.
"""

import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.ports import free_port
from asterisk_conf.secrets import Secrets
from asterisk_conf.server import AsteriskServer
from asterisk_conf.settings import IpTrunk, PbxSettings, RtpSettings, SipSettings, Trunk


@dataclass(frozen=True)
class Trial:
    """What a trial start showed: Asterisk's warnings and errors, oldest first."""

    complaints: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing to complain about."""
        return not self.complaints


async def start_once(
    pbx: PbxSettings, secrets: Secrets, installation: Installation, *, deadline: float = 30
) -> Trial:
    """Start a throw-away Asterisk with these settings, collect its complaints, stop it.

    Raises:
        ConfValueError: the settings do not fit into a configuration.
        StartError: Asterisk did not start at all.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="huisheng-")))
        silent = stack.enter_context(_udp_socket())
        server = AsteriskServer(
            installation,
            harmless(pbx, silent.getsockname()[1]),
            secrets,
            Paths.under(folder, installation.modules_dir),
            own_lifetime=True,
        )
        try:
            await server.start(deadline=deadline)
            return Trial(tuple(server.complaints()))
        finally:
            await server.stop()


def harmless(pbx: PbxSettings, silent_port: int) -> PbxSettings:
    """The same settings on free loopback ports, with every trunk and phone at `silent_port`."""
    first = min(free_port(socket.SOCK_DGRAM), 65000) // 2 * 2
    return pbx.model_copy(
        update={
            "sip": SipSettings(port=free_port(socket.SOCK_DGRAM)),
            "rtp": RtpSettings(first=first, last=first + 100),
            "http_port": free_port(socket.SOCK_STREAM),
            "ami_port": free_port(socket.SOCK_STREAM),
            "trunks": [_silent(trunk, silent_port) for trunk in pbx.trunks],
        }
    )


def _silent(trunk: Trunk, port: int) -> Trunk:
    if isinstance(trunk, IpTrunk):
        return trunk.model_copy(update={"qualify_seconds": 0})
    return trunk.model_copy(update={"server": "127.0.0.1", "port": port, "qualify_seconds": 0})


def _udp_socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    return opened
