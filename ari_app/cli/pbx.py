"""`huisheng pbx`: render, check, reload and show the PBX."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.settings import Settings
from asterisk_conf import ami, install, secrets, trial
from asterisk_conf.errors import NoAsteriskError, PbxError
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.render import render as render_files
from asterisk_conf.render import render_snippets, write
from asterisk_conf.secrets import Secrets
from asterisk_conf.server import awaiting_restart, file_limit

CONFIG = Path("config.yaml")

app = typer.Typer(
    no_args_is_help=True, help="Asterisk 配置 / render, check, reload or show the PBX"
)


@app.command()
def render(
    config: ConfigOption = CONFIG,
    out: Annotated[
        Path | None, typer.Option(help="输出目录 / folder; the one our Asterisk reads if left out")
    ] = None,
    snippets: Annotated[
        Path | None,
        typer.Option(help="给已有 PBX 的片段写到此目录 / snippets for an existing PBX go here"),
    ] = None,
) -> None:
    """写出配置文件 / write the configuration files (they hold passwords: mode 0600)."""
    settings = load_settings(config)
    with _clear_errors():
        passwords = secrets.load(settings.state_dir, settings.pbx)
        if snippets is not None:
            _written(render_snippets(settings.pbx, passwords), snippets)
        if out is not None or snippets is None:
            paths = _paths(settings, _installation(settings))
            _written(_files(settings, passwords, paths), out or paths.etc)


@app.command()
def check(config: ConfigOption = CONFIG) -> None:
    """试启动 / start a throw-away Asterisk with the settings and report its complaints."""
    settings = load_settings(config)
    with _clear_errors():
        _check(settings, secrets.load(settings.state_dir, settings.pbx))


@app.command()
def reload(config: ConfigOption = CONFIG) -> None:
    """检查后重新载入 / check, write, and make the running Asterisk take it up. Calls go on."""
    settings = load_settings(config)
    with _clear_errors():
        passwords = secrets.load(settings.state_dir, settings.pbx)
        if settings.pbx.mode == "own":
            _check(settings, passwords)
        asyncio.run(_reload(settings, passwords))


@app.command()
def show(config: ConfigOption = CONFIG) -> None:
    """显示线路、坐席和上下文 / show trunks, agents and contexts of the running Asterisk."""
    settings = load_settings(config)
    with _clear_errors():
        passwords = secrets.load(settings.state_dir, settings.pbx)
        tables = asyncio.run(_tables(settings, passwords))
    console = Console()
    for table in tables:
        console.print(table)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """One sentence and exit code 1 instead of a traceback."""
    try:
        yield
    except PbxError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(1) from error


def _installation(settings: Settings) -> Installation | None:
    try:
        return install.find(settings.pbx.binary)
    except NoAsteriskError:
        return None


def _paths(settings: Settings, installation: Installation | None) -> Paths:
    modules = installation.modules_dir if installation else install.USUAL_MODULES_DIR
    return Paths.under(settings.state_dir, modules)


def _files(settings: Settings, passwords: Secrets, paths: Paths) -> dict[str, str]:
    """The same files that the line itself writes when it starts."""
    return render_files(settings.pbx, passwords, paths, max_files=file_limit())


def _written(files: dict[str, str], folder: Path) -> None:
    changed = write(files, folder)
    typer.echo(f"{folder}: {len(files)} files, {len(changed)} changed")


def _check(settings: Settings, passwords: Secrets) -> None:
    """Say how a trial start went; exit code 1 if there is anything to complain about."""
    try:
        installation = install.find(settings.pbx.binary)
    except NoAsteriskError as error:
        _files(settings, passwords, _paths(settings, None))
        typer.echo(f"渲染正确,但未能试启动 / renders, but was not started: {error}")
        return
    found = asyncio.run(trial.start_once(settings.pbx, passwords, installation))
    version = install.version_text(installation.version)
    if found.passed:
        typer.echo(f"Asterisk {version} 启动正常,无警告 / starts without a warning")
        return
    for line in found.complaints:
        typer.echo(line, err=True)
    raise typer.Exit(1)


async def _reload(settings: Settings, passwords: Secrets) -> None:
    async with ami.session(settings.pbx, passwords) as session:
        late: tuple[str, ...] = ()
        if settings.pbx.mode == "own":
            paths = _paths(settings, _installation(settings))
            _written(_files(settings, passwords, paths), paths.etc)
            late = awaiting_restart(paths)
        await session.reload()
    typer.echo("已重新载入 / reloaded")
    if late:
        typer.echo(f"重启后生效 / taken up at Asterisk's next start: {', '.join(late)}")


async def _tables(settings: Settings, passwords: Secrets) -> list[Table]:
    async with ami.session(settings.pbx, passwords) as session:
        endpoints = await session.rows("PJSIPShowEndpoints", "EndpointList")
        registrations = await session.rows(
            "PJSIPShowRegistrationsOutbound", "OutboundRegistrationDetail"
        )
        dialplan = await session.rows("ShowDialPlan", "ListDialplan")
    devices = {row["ObjectName"]: row for row in endpoints}
    registered = {row["ObjectName"]: row["Status"] for row in registrations}
    return [
        _trunk_table(settings, devices, registered),
        _agent_table(settings, devices),
        _context_table(dialplan),
    ]


def _trunk_table(
    settings: Settings, devices: dict[str, ami.Row], registered: dict[str, str]
) -> Table:
    table = Table(
        "中继 / trunk", "类型 / kind", "状态 / state", "注册 / registered", "通话 / calls"
    )
    for trunk in settings.pbx.trunks:
        row = devices.get(trunk.name, {})
        table.add_row(
            trunk.name,
            trunk.kind,
            row.get("DeviceState", "not in Asterisk"),
            registered.get(trunk.name, "–"),
            row.get("ActiveChannels", "–"),
        )
    return table


def _agent_table(settings: Settings, devices: dict[str, ami.Row]) -> Table:
    table = Table("分机 / extension", "坐席 / agent", "组 / team", "状态 / state", "话机 / phone")
    for agent in settings.pbx.agents:
        row = devices.get(agent.extension, {})
        contacts = str(row.get("Contacts", "")).rstrip(",").removeprefix(f"{agent.extension}/")
        table.add_row(
            agent.extension,
            agent.name,
            agent.team,
            row.get("DeviceState", "not in Asterisk"),
            contacts or "未注册 / not registered",
        )
    return table


def _context_table(dialplan: Sequence[ami.Row]) -> Table:
    table = Table("上下文 / context", "分机数 / extensions", "包含 / includes")
    extensions = Counter(row["Context"] for row in dialplan if row.get("Priority") == "1")
    includes: dict[str, list[str]] = {}
    for row in dialplan:
        listed = includes.setdefault(row["Context"], [])
        if row.get("IncludeContext"):
            listed.append(row["IncludeContext"])
    for context in sorted(includes):
        table.add_row(context, str(extensions[context]), ", ".join(includes[context]) or "–")
    return table
