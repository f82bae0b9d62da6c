"""What `huisheng doctor` asks of the PBX: each finding says what is and, if need be, the mend."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp

from asterisk_conf import ami, install
from asterisk_conf.errors import ManagerError, NoAsteriskError
from asterisk_conf.modules import NEEDED_RUNNING
from asterisk_conf.paths import Paths
from asterisk_conf.secrets import ARI_USER, Secrets
from asterisk_conf.settings import IpTrunk, PbxSettings, RegistrationTrunk

Level = Literal["ok", "warn", "fail"]
# What the dialplan plays when it serves a caller alone, as sounds/huisheng/<name>.
FALLBACK_SOUNDS = ("nobody", "beep", "thanks")
_SOUND_FORMATS = ("wav", "alaw", "sln")
_SECONDS = 5


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `what` is so; `mend` is what to do, empty if nothing. Texts: Chinese /
    English."""

    level: Level
    what: str
    mend: str = ""


async def findings(pbx: PbxSettings, secrets: Secrets, state_dir: Path) -> list[Finding]:
    """Look at everything about the PBX; nothing is changed, and nothing takes over 5 s each."""
    found = [*installed(pbx), *sounds(pbx, state_dir), *privileges(pbx), *listeners(pbx)]
    found += await ari(pbx, secrets)
    found += await manager(pbx, secrets)
    return found


def installed(pbx: PbxSettings) -> list[Finding]:
    """Is there an Asterisk that can serve, and is it the version this release was tested with?"""
    if pbx.mode == "existing":
        return []
    try:
        asterisk = install.find(pbx.binary)
    except NoAsteriskError as error:
        what, _, mend = str(error).rpartition("; ")
        return [Finding("fail", f"没有可用的 Asterisk / no usable Asterisk: {what}", mend)]
    return [_version(asterisk.version, f"Asterisk at {asterisk.argv_prefix[-1]}")]


def privileges(pbx: PbxSettings) -> list[Finding]:
    """Would Asterisk run with more rights than it needs?"""
    if pbx.mode == "own" and os.geteuid() == 0:
        return [
            Finding(
                "warn",
                "Asterisk 以 root 运行 / Asterisk runs as root: a flaw would hand over the machine",
                "改用普通用户 / start the line as an ordinary user; no low port is needed",
            )
        ]
    return []


def sounds(pbx: PbxSettings, state_dir: Path) -> list[Finding]:
    """Are the prompts there that the dialplan plays when it serves a caller alone?"""
    if pbx.mode == "existing":
        return []
    folder = Paths.under(state_dir, Path()).sounds / "huisheng"
    missing = [
        name
        for name in FALLBACK_SOUNDS
        if not any((folder / f"{name}.{ending}").exists() for ending in _SOUND_FORMATS)
    ]
    if missing:
        return [
            Finding(
                "warn",
                f"缺少拨号方案用的提示音 / prompts of the fallback are missing in {folder}: "
                f"{', '.join(missing)}",
                "启动一次线路 / start the line once (huisheng run); it makes them",
            )
        ]
    return [Finding("ok", "拨号方案用的提示音齐备 / prompts of the fallback are there")]


def listeners(pbx: PbxSettings) -> list[Finding]:
    """Are ARI and AMI out of reach for other machines?"""
    found = []
    for name, port in (("ARI", pbx.http_port), ("AMI", pbx.ami_port)):
        addresses = {
            address
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for address in listening(_text(Path(table)), port)
        }
        if addresses - {"0100007F", "00000000000000000000000001000000"}:
            found.append(
                Finding(
                    "fail",
                    f"{name} 对外开放 / {name} (port {port}) listens where other machines reach it",
                    "只听本机 / set bindaddr = 127.0.0.1 in http.conf and manager.conf, restart it",
                )
            )
    return found


def listening(table: str, port: int) -> set[str]:
    """Local addresses (hexadecimal, as the kernel writes them) on which a TCP `port` listens.

    Args:
        table: text of /proc/net/tcp or tcp6 (proc_net_tcp.txt of the kernel).
    """
    addresses = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == "0A":
            address, _, number = fields[1].rpartition(":")
            if int(number, 16) == port:
                addresses.add(address)
    return addresses


async def ari(pbx: PbxSettings, secrets: Secrets) -> list[Finding]:
    """Does ARI let us in, is it the Asterisk we know, and do the modules we need run?"""
    url = f"http://127.0.0.1:{pbx.http_port}/ari/asterisk"
    login = aiohttp.encode_basic_auth(ARI_USER, secrets.ari)
    try:
        async with aiohttp.ClientSession(
            headers={"Authorization": login},
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            raise_for_status=True,
        ) as session:
            async with session.get(f"{url}/info") as response:
                info = await response.json()
            async with session.get(f"{url}/modules") as response:
                modules = await response.json()
    except aiohttp.ClientResponseError as error:
        return [_refused(error.status)]
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return [
            Finding(
                "fail",
                f"ARI 连不上 / ARI on 127.0.0.1:{pbx.http_port} is not reachable "
                f"({type(error).__name__})",
                "启动线路 / start the line (huisheng run), or enable http.conf and ari.conf",
            )
        ]
    return [Finding("ok", "ARI 可用 / ARI lets us in"), *_ari_findings(info, modules)]


def _ari_findings(info: Mapping[str, Any], modules: Sequence[Mapping[str, Any]]) -> list[Finding]:
    found = []
    version = install.parse_version(f"Asterisk {info.get('system', {}).get('version', '')}")
    if version is None:
        found.append(Finding("warn", "版本未知 / the running Asterisk does not tell its version"))
    else:
        found.append(_version(version, "the running Asterisk"))
    running = {
        str(module.get("name", "")).removesuffix(".so")
        for module in modules
        if module.get("status") == "Running"
    }
    missing = [name for name in NEEDED_RUNNING if name not in running]
    if missing:
        found.append(
            Finding(
                "fail",
                f"缺少模块 / modules that we need do not run: {', '.join(missing)}",
                "在 modules.conf 加载后重启 / load them in modules.conf and restart Asterisk",
            )
        )
    else:
        found.append(
            Finding("ok", f"所需模块都在运行 / all {len(NEEDED_RUNNING)} needed modules run")
        )
    return found


def _refused(status: int) -> Finding:
    if status in (401, 403):
        return Finding(
            "fail",
            f"ARI 拒绝登录 / ARI refuses user {ARI_USER} (HTTP {status})",
            "render the configuration again (huisheng pbx render), then huisheng pbx reload",
        )
    return Finding(
        "fail", f"ARI 出错 / ARI answers HTTP {status}", "看日志 / look into Asterisk's log"
    )


def _version(version: install.Version, what: str) -> Finding:
    text = install.version_text(version)
    if version < install.VERSION_NEEDED:
        return Finding(
            "fail",
            f"Asterisk 版本太旧 / {what} is {text}, too old",
            f"install {install.version_text(install.VERSION_NEEDED)} or later",
        )
    if version != install.VERSION_TESTED:
        return Finding(
            "warn",
            f"Asterisk 版本未经测试 / {what} is {text}; this release was tested with "
            f"{install.version_text(install.VERSION_TESTED)}",
            "先测试 / run scripts/test -m asterisk before you trust it with callers",
        )
    return Finding("ok", f"版本经过测试 / {what} is {text}, the tested version")


async def manager(pbx: PbxSettings, secrets: Secrets) -> list[Finding]:
    """Does AMI let us in, and are the trunks up?"""
    try:
        async with ami.session(pbx, secrets, deadline=_SECONDS) as session:
            endpoints = await session.rows("PJSIPShowEndpoints", "EndpointList")
            registrations = await session.rows(
                "PJSIPShowRegistrationsOutbound", "OutboundRegistrationDetail"
            )
    except ManagerError as error:
        what, _, mend = str(error).partition("; ")
        return [Finding("fail", f"AMI 不可用 / {what}", mend)]
    return [Finding("ok", "AMI 可用 / AMI lets us in"), *trunks(pbx, endpoints, registrations)]


def trunks(
    pbx: PbxSettings, endpoints: Sequence[ami.Row], registrations: Sequence[ami.Row]
) -> list[Finding]:
    """Findings on each trunk and on the agents' endpoints, from AMI's EndpointList and
    OutboundRegistrationDetail events."""
    if not pbx.trunks and pbx.mode == "own":
        return [
            Finding(
                "warn",
                "没有中继 / no trunk is configured: nobody can call in",
                "在 config.yaml 填写 / describe your carrier in config.yaml: pbx.trunks",
            )
        ]
    devices = {row["ObjectName"]: row["DeviceState"] for row in endpoints}
    states = {row["ObjectName"]: row["Status"] for row in registrations}
    names = [trunk.name for trunk in pbx.trunks] + [agent.extension for agent in pbx.agents]
    found = []
    if missing := [name for name in names if name not in devices]:
        found.append(
            Finding(
                "fail",
                f"Asterisk 里没有 / Asterisk does not know these endpoints: {', '.join(missing)}",
                "run huisheng pbx reload; for a PBX of your own see docs/existing-pbx.md",
            )
        )
    for trunk in pbx.trunks:
        if isinstance(trunk, RegistrationTrunk):
            found.append(_registration(trunk, states.get(trunk.name, "unknown")))
        elif trunk.name in devices:
            found.append(_reachable(trunk, devices[trunk.name]))
    return found


def _registration(trunk: RegistrationTrunk, state: str) -> Finding:
    if state == "Registered":
        return Finding("ok", f"中继已注册 / trunk {trunk.name} is registered with {trunk.server}")
    return Finding(
        "fail",
        f"中继未注册 / trunk {trunk.name} is not registered with {trunk.server} ({state})",
        "check server, username and password; the carrier's reason is in Asterisk's log",
    )


def _reachable(trunk: IpTrunk, device_state: str) -> Finding:
    if trunk.qualify_seconds and trunk.contacts and device_state == "Unavailable":
        return Finding(
            "warn",
            f"中继不应答 / trunk {trunk.name} does not answer OPTIONS; calls may still come in",
            "check the address with the carrier, or set qualify_seconds: 0 if it never answers",
        )
    return Finding(
        "ok", f"中继已配置 / trunk {trunk.name} is configured for {', '.join(trunk.hosts)}"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
