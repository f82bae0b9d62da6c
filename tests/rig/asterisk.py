"""Real Asterisks for tests: each in a folder and on ports of its own, none outlives the run."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from asterisk_conf import install, secrets
from asterisk_conf.errors import NoAsteriskError
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from asterisk_conf.settings import PbxSettings
from tests.rig import ports
from tests.rig.ports import free_media_ports, free_port

LINE_NUMBER = "4001234567"
BOOT_SECONDS = 60

T = TypeVar("T")
BootAsterisk = Callable[..., AsteriskServer]


def pbx_settings(**overrides: Any) -> PbxSettings:
    """Settings on free ports: one trunk that is all of loopback, three agents at fixed contacts.

    Keys of `overrides` are those of config.yaml's `pbx:` section.
    """
    first, last = free_media_ports()
    values: dict[str, Any] = {
        "sip": {"bind": "127.0.0.1", "port": free_port()},
        "rtp": {"first": first, "last": last},
        "http_port": free_port(),
        "ami_port": free_port(),
        "agi_port": free_port(),
        "line_numbers": [LINE_NUMBER],
        "trunks": [
            {
                "kind": "ip",
                "name": "carrier",
                "hosts": ["127.0.0.1/32"],
                "port": free_port(),
                "qualify_seconds": 0,
            }
        ],
        "agents": [
            {"extension": extension, "name": name, "team": team, "contact": _contact(extension)}
            for extension, name, team in (
                ("8001", "张敏", "tianjin"),
                ("8002", "李强", "tianjin"),
                ("8003", "王芳", "national"),
            )
        ],
    }
    return PbxSettings.model_validate({**values, **overrides})


def _contact(extension: str) -> str:
    return f"sip:{extension}@127.0.0.1:{free_port()}"


def server_in(
    folder: Path,
    installation: Installation,
    pbx: PbxSettings,
    environ: Mapping[str, str] | None = None,
) -> AsteriskServer:
    """An Asterisk, not started yet, whose state lies in `folder` and that dies with us.

    `environ` holds the passwords of registration trunks.
    """
    return AsteriskServer(
        installation,
        pbx,
        secrets.load(folder, pbx, environ or {}),
        Paths.under(folder, installation.modules_dir),
        own_lifetime=True,
    )


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread that lives as long as the run: an Asterisk on our leash dies with the
    thread that started it."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="rig", daemon=True).start()
    return loop


def run_aside(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end outside the test's own loop, from code that may be inside it."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(2 * BOOT_SECONDS)


@pytest.fixture(autouse=True)
def _ports_of_one_test() -> Iterator[None]:
    """Ports that wider fixtures reserved stay; those that this test reserves are given back."""
    ports.keep()
    yield
    ports.release()


@pytest.fixture(scope="session")
def installation() -> Installation:
    """An Asterisk that can serve; without one the test is skipped."""
    try:
        return install.find()
    except NoAsteriskError as error:
        pytest.skip(str(error))


def _booter(
    installation: Installation, new_folder: Callable[[], Path], servers: list[AsteriskServer]
) -> BootAsterisk:
    def boot(
        pbx: PbxSettings | None = None,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> AsteriskServer:
        settings = pbx or pbx_settings(**overrides)
        server = server_in(new_folder(), installation, settings, environ)
        servers.append(server)
        run_aside(server.start(deadline=BOOT_SECONDS))
        return server

    return boot


def _stop(servers: list[AsteriskServer]) -> None:
    for server in servers:
        run_aside(server.stop(deadline=5))


@pytest.fixture(scope="session")
def boot_asterisk(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BootAsterisk]:
    """`boot_asterisk(**pbx_overrides)` → a running server that lives until the session ends."""
    servers: list[AsteriskServer] = []
    boot = _booter(installation, lambda: tmp_path_factory.mktemp("asterisk"), servers)

    def boot_for_the_session(*arguments: Any, **options: Any) -> AsteriskServer:
        server = boot(*arguments, **options)
        ports.keep()
        return server

    yield boot_for_the_session
    _stop(servers)


@pytest.fixture
def fresh_asterisk(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BootAsterisk]:
    """Like `boot_asterisk`, for one test: to be killed, filled or misconfigured."""
    servers: list[AsteriskServer] = []
    yield _booter(installation, lambda: tmp_path_factory.mktemp("asterisk"), servers)
    _stop(servers)


@pytest.fixture(scope="session")
def asterisk(boot_asterisk: BootAsterisk) -> AsteriskServer:
    """The session's shared Asterisk with `pbx_settings()`. Leave it as you found it: no channel,
    no bridge, no application."""
    return boot_asterisk()
