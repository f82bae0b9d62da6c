"""Asterisk, and the line that may or may not be running."""

import asyncio
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from ari_app.doctor.deadline import aside
from ari_app.doctor.finding import Finding, fail, ok, split, warn
from ari_app.doctor.phones import phones
from ari_app.ownership import is_owned
from ari_app.settings import Settings
from asterisk_conf import checks, control, install, secrets, trial
from asterisk_conf.errors import ControlError, NoAsteriskError, PbxError
from asterisk_conf.paths import Paths

ANSWER_SECONDS = 3.0
INSTALLED_SECONDS = 4.0
TRIAL_SECONDS = 7.0
RESTART = "看日志并重启线路 / see its log, and restart it: Ctrl-C, then huisheng run"
NO_PASSWORDS = (
    "ARI 和 AMI 的密码尚未生成 / the passwords of ARI and AMI are not made yet",
    "见 docs/existing-pbx.md / run: huisheng pbx render --snippets FOLDER, and include them",
)


@dataclass(frozen=True)
class Running:
    """What of the line runs now: our process, and our own Asterisk (which outlives it)."""

    line: bool
    asterisk: bool


@dataclass(frozen=True)
class Port:
    """A port of this machine that the line takes."""

    setting: str
    kind: socket.SocketKind
    address: str
    number: int


async def running(settings: Settings) -> Running:
    """Ask the lock and the control socket; neither is disturbed."""
    paths = Paths.under(settings.state_dir, Path())
    try:
        await control.pid(paths.control_socket, deadline=ANSWER_SECONDS)
    except ControlError:
        return Running(is_owned(settings.state_dir), asterisk=False)
    return Running(is_owned(settings.state_dir), asterisk=True)


async def line(settings: Settings, now: Running) -> list[Finding]:
    """Does the line run, and does it say itself that all is well?"""
    if not now.line:
        return [ok("line", "未运行 / not running; start it with huisheng run")]
    url = f"http://{host_of(settings.api.host)}:{settings.api.port}/readyz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session,
            session.get(url) as response,
        ):
            said = await response.json()
            troubles = [one for one in said["findings"] if not one["ok"]]
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
        return [fail("line", _silent(url, error), f"{RESTART}; api may have been changed")]
    if troubles:
        return [_trouble(one) for one in troubles]
    return [ok("line", f"正在运行 / running, {url.removesuffix('readyz')}")]


async def asterisk(settings: Settings, now: Running) -> list[Finding]:
    """Asterisk itself: installed and sound, and either running as it should or able to start."""
    pbx = settings.pbx
    looked = await aside(
        lambda: [*checks.installed(pbx), *checks.listeners(pbx)], INSTALLED_SECONDS
    )
    if pbx.mode == "existing" or now.asterisk:
        if not (settings.state_dir / secrets.FILE_NAME).exists():
            return [*_of("asterisk", looked), fail("ari", *NO_PASSWORDS)]
        try:
            passwords = secrets.load(settings.state_dir, pbx)
        except PbxError as error:
            return [*_of("asterisk", looked), fail("ari", *split(error))]
        ari, ami, reached = await asyncio.gather(
            checks.ari(pbx, passwords), checks.manager(pbx, passwords), phones(pbx, passwords)
        )
        found = [*_of("asterisk", looked), *_of("ari", ari), *_of("ami", ami), *reached]
        if not now.line:
            found.append(
                warn(
                    "line",
                    "Asterisk 在运行而应用没有:拨号方案独自接待 / Asterisk runs without the "
                    "application: the dialplan serves callers alone",
                    "启动线路 / start the line: huisheng run",
                )
            )
        return found
    found = _of("asterisk", looked)
    if now.line:
        gone = "线路在运行,Asterisk 不在 / the line runs, its Asterisk does not"
        return [*found, fail("asterisk", gone, RESTART)]
    if all(finding.level != "fail" for finding in looked):
        found.append(await _trial(settings))
    return found


async def _trial(settings: Settings) -> Finding:
    """Start a throw-away Asterisk, as none runs that could be asked."""
    mend = "修正 config.yaml 的 pbx 部分 / mend pbx: in config.yaml; huisheng pbx check says more"
    try:
        with tempfile.TemporaryDirectory(prefix="huisheng-doctor-") as folder:
            passwords = secrets.load(Path(folder), settings.pbx)
            found = await trial.start_once(
                settings.pbx,
                passwords,
                install.find(settings.pbx.binary),
                deadline=TRIAL_SECONDS,
            )
    except (PbxError, NoAsteriskError, OSError) as error:
        return fail("asterisk", f"试启动失败 / does not start: {error}", mend)
    if found.complaints:
        return warn("asterisk", f"试启动时说 / on trial it says: {found.complaints[0]}", mend)
    return ok(
        "asterisk",
        "试启动无警告 / starts without a warning; ARI, AMI and trunks are asked while it runs",
    )


def ports(settings: Settings, now: Running) -> Iterator[Finding]:
    """Are the ports free that the next start takes?"""
    wanted = [*_ports_of_line(settings)] if not now.line else []
    if settings.pbx.mode == "own" and not now.asterisk:
        wanted += _ports_of_asterisk(settings)
    if now.line and now.asterisk:
        yield ok("ports", "线路占用着 / in use by the line")
        return
    taken = [(port, reason) for port in wanted if (reason := _taken(port))]
    for port, reason in taken:
        name = "UDP" if port.kind is socket.SOCK_DGRAM else "TCP"
        yield fail(
            "ports",
            f"{port.address} {name} {port.number} 不可用 / cannot be used ({reason})",
            f"结束占用它的程序,或改 {port.setting} / end the program that has it (ss -lnp), or "
            f"change {port.setting}",
        )
    if not taken:
        yield ok("ports", f"{', '.join(str(port.number) for port in wanted)} 空闲 / free")


def _ports_of_line(settings: Settings) -> Iterable[Port]:
    tcp = socket.SOCK_STREAM
    yield Port("pbx.agi_port", tcp, str(settings.agi.host), settings.pbx.agi_port)
    yield Port("api.port", tcp, settings.api.host, settings.api.port)
    if settings.bridge.demo_crm_port:
        yield Port("bridge.demo_crm_port", tcp, "127.0.0.1", settings.bridge.demo_crm_port)


def _ports_of_asterisk(settings: Settings) -> Iterable[Port]:
    pbx, tcp = settings.pbx, socket.SOCK_STREAM
    yield Port("pbx.sip.port", socket.SOCK_DGRAM, str(pbx.sip.bind), pbx.sip.port)
    yield Port("pbx.http_port", tcp, "127.0.0.1", pbx.http_port)
    yield Port("pbx.ami_port", tcp, "127.0.0.1", pbx.ami_port)


def _taken(port: Port) -> str:
    """Why the port cannot be used; empty if it can."""
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, port.kind) as probe:
        if port.kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _of(check: str, found: Iterable[checks.Finding]) -> list[Finding]:
    return [Finding(check, finding.level, finding.what, finding.mend) for finding in found]


def _trouble(one: Mapping[str, Any]) -> Finding:
    """What the line says of itself; callers notice only what is needed."""
    level = fail if one["needed"] else warn
    return level("line", f"{one['name']}: {one['detail']}", one["mend"] or RESTART)


def _silent(url: str, error: Exception) -> str:
    return f"正在运行,但 {url} 不应答 / runs, but {url} does not answer ({type(error).__name__})"


def host_of(address: str) -> str:
    """Where this machine reaches a server that listens on `address`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - not bound
    return f"[{host}]" if ":" in host else host
