"""The CRM bridge's targets: can they be reached, and what waits for them?"""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta

from ari_app.doctor.finding import Finding, ok, warn
from ari_app.settings import Settings
from crm_bridge.demo_crm import TARGET_NAME
from crm_bridge.overview import TargetOverview
from crm_bridge.settings import AnyTarget
from desk.rollout import Switch

CONNECT_SECONDS = 3.0
LATE = timedelta(minutes=10)


async def bridge(
    settings: Settings, line_runs: bool, known: Sequence[TargetOverview], now: datetime
) -> list[Finding]:
    """A finding per target, and per target that has left config.yaml with entries kept.

    Nothing is sent: a connection is opened (with TLS where the URL wants it) and closed.
    """
    targets, of = settings.bridge.targets, {one.name: one for one in known}
    if not targets:
        return [ok("bridge", "没有目标 / no target is configured")]
    if not settings.rollout.on(Switch.DATA_CRM):
        waiting = sum(one.pending for one in known)
        return [
            ok("bridge", f"已关闭,{waiting} 条等待 / switched off (rollout.data.crm), they wait")
        ]
    reached = await asyncio.gather(*(_reach(one) for one in targets))
    found = []
    for target, error in zip(targets, reached, strict=True):
        found.append(_reachable(settings, target, error, line_runs))
        found += _waiting(of.get(target.name), now)
    for name in of.keys() - {target.name for target in targets}:
        found += _waiting(of[name], now)
    return found


def _reachable(settings: Settings, target: AnyTarget, error: str, line_runs: bool) -> Finding:
    if not error:
        return ok("bridge", f"{target.name} {target.url} 可达 / reachable")
    ours = target.name == TARGET_NAME and target.url.port == settings.bridge.demo_crm_port
    if ours and not line_runs:
        return ok("bridge", f"{target.name}:自带,随线路启动 / built in, starts with the line")
    return warn(
        "bridge",
        f"{target.name} {target.url} 不可达 / cannot be reached ({error}): tickets wait",
        "检查对方和网络,或改 bridge.targets / check the receiver and the network, or mend "
        "bridge.targets; nothing is lost, it is tried again",
    )


def _waiting(target: TargetOverview | None, now: datetime) -> list[Finding]:
    if target is None:
        return []
    found = []
    if target.dead:
        found.append(
            warn(
                "bridge",
                f"{target.name}:{target.dead} 条死信 / dead letters",
                f"先看原因再重放 / see why, then send again: huisheng bridge dead {target.name}; "
                f"huisheng bridge replay {target.name}",
            )
        )
    if target.waiting_since is not None and now - target.waiting_since > LATE:
        found.append(
            warn(
                "bridge",
                f"{target.name}:{target.pending} 条在等待 / entries wait since "
                f"{target.waiting_since:%m-%d %H:%M} UTC; {target.error or 'not tried yet'}",
                "看状态 / see huisheng bridge status; a running line sends them",
            )
        )
    return found


async def _reach(target: AnyTarget) -> str:
    """Why a connection cannot be opened; empty if it can."""
    secure = ssl.create_default_context() if target.url.scheme == "https" else None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(target.url.host, target.url.port, ssl=secure)
    except TimeoutError:
        return f"no answer within {CONNECT_SECONDS:g} s"
    except OSError as error:  # ssl.SSLError is one
        return error.strerror or str(error)
    writer.close()
    return ""
