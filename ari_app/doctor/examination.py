"""The whole examination: every check at the same time, each with its deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from ari_app.doctor import database, line, machine, records, supplies
from ari_app.doctor.bridge import bridge
from ari_app.doctor.deadline import aside
from ari_app.doctor.finding import TITLES, Finding, fail, ok
from ari_app.doctor.live import live
from ari_app.doctor.outbound import outbound
from ari_app.doctor.recordings import recordings
from ari_app.ownership import is_owned
from ari_app.settings import ConfigError, Settings, load

LOOK_SECONDS = 5.0
"""For one look at the machine."""
GROUP_SECONDS = 12.0
"""For one group of checks that talk to somebody."""
DOCTOR_SECONDS = 15.0
"""Nothing makes the whole take longer."""


async def examine(config: Path, now: Callable[[], datetime]) -> list[Finding]:
    """Look at everything that config.yaml describes; what is wrong with itself comes first."""
    try:
        settings = await aside(lambda: load(config), LOOK_SECONDS)
    except ConfigError as error:
        broken = [
            fail("config", told, "改正后再运行 / correct it, then run huisheng doctor again")
            for told in str(error).splitlines()
        ]
        return [*broken, *await _machine_alone()]
    except TimeoutError:
        return [_late("config", LOOK_SECONDS), *await _machine_alone()]
    found = [ok("config", str(config)), *await _machine_alone()]
    place = await _looked("state", lambda: machine.state(settings.state_dir))
    found += place
    if all(finding.level != "fail" for finding in place):
        found += await _everything(settings, config, now)
    order = list(TITLES)
    return sorted(found, key=lambda finding: order.index(finding.check))


async def _everything(
    settings: Settings, config: Path, now: Callable[[], datetime]
) -> list[Finding]:
    line_runs = is_owned(settings.state_dir)
    groups = await asyncio.gather(
        _guarded("database", GROUP_SECONDS, _desk(settings, config, now)),
        _guarded("asterisk", GROUP_SECONDS, _line(settings)),
        _looked("files", lambda: machine.open_files(settings.pbx.most_calls)),
        _looked("timezone", lambda: machine.zone(settings.company, now())),
        _looked(
            "prompts", lambda: supplies.prompts(settings.ivr, settings.pbx, settings.state_dir)
        ),
        _looked("sipp", supplies.test_callers),
        _looked("speech", lambda: supplies.speech(settings.speech)),
        _guarded("live", GROUP_SECONDS, live(settings, line_runs)),
        _looked("spool", lambda: records.spool(settings.state_dir, line_runs)),
        _looked("notes", lambda: records.notes(settings.pbx)),
        _looked("recordings", lambda: recordings(settings.recording, settings.state_dir)),
        _looked("region", lambda: supplies.region(settings.state_dir, now())),
        _looked("calendar", lambda: supplies.calendar(settings, now())),
        _looked("outbound", lambda: outbound(settings)),
    )
    return [finding for group in groups for finding in group]


async def _machine_alone() -> list[Finding]:
    return [*await _looked("python", machine.python), *await _looked("root", machine.rights)]


async def _desk(settings: Settings, config: Path, now: Callable[[], datetime]) -> list[Finding]:
    """The database, and what is measured against its contents: clock and bridge."""
    looked = await database.look(settings, config, now())
    synchronised = machine.kernel_synchronised()
    return [
        *looked.findings,
        *machine.clock(now(), looked.newest, synchronised),
        *await _looked("disk", lambda: machine.days(settings.state_dir, looked.daily_bytes)),
        *await bridge(settings, is_owned(settings.state_dir), looked.targets, now()),
    ]


async def _line(settings: Settings) -> list[Finding]:
    """Asterisk, the line and their ports: what to expect depends on what runs."""
    running = await line.running(settings)
    groups = await asyncio.gather(
        line.line(settings, running),
        line.asterisk(settings, running),
        _looked("ports", lambda: line.ports(settings, running)),
    )
    return [finding for group in groups for finding in group]


async def _looked(check: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    return await _guarded(check, LOOK_SECONDS + 1, aside(lambda: list(look()), LOOK_SECONDS))


async def _guarded(
    check: str, seconds: float, findings: Awaitable[Iterable[Finding]]
) -> list[Finding]:
    """What a check that is late or breaks has to say is a finding too: the others go on."""
    try:
        async with asyncio.timeout(seconds):
            return list(await findings)
    except TimeoutError:
        return [_late(check, seconds)]
    except Exception as error:  # noqa: BLE001 - told as a finding, with its type
        what = f"检查本身失败 / the check itself failed: {type(error).__name__}: {error}"
        return [fail(check, what, "请报告此问题 / please report this, with the log")]


def _late(check: str, seconds: float) -> Finding:
    return fail(
        check,
        f"{seconds:g} 秒内没有结果 / no answer within {seconds:g} s",
        "看磁盘、网络和负载 / see whether a disk, the network or the machine itself is overloaded",
    )
