"""`huisheng outbound`: calls to customers: how they stand, the kill switch, the do-not-call list.

It works on the database, so it needs neither a running line nor a token; a line that runs obeys
with its next call, and hangs up on telephones that ring within seconds.
"""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk.db.engine import Database
from desk.masking import mask_number
from desk.numbering import ticket_number
from desk.outbound import (
    Alarm,
    Attempt,
    Mark,
    Request,
    Switch,
    attempts,
    limits,
    marks,
    requests,
)
from desk.outbound.marks import DO_NOT_CALL
from desk.region import locate

app = typer.Typer(no_args_is_help=True)
numbers = typer.Typer(no_args_is_help=True)
app.add_typer(numbers, name="do-not-call", help="不再拨打的号码 / numbers that are never called")

DAY = timedelta(days=1)
Because = Annotated[str, typer.Option("--reason", help="原因 / why")]
NumberArgument = Annotated[str, typer.Argument(help="任何写法的号码 / in any form")]


@app.command()
def status(config: ConfigOption = Path("config.yaml")) -> None:
    """现状 / whether calls are placed, how many, and which limits were hit today."""
    settings = load_settings(config)
    now = datetime.now(UTC)

    def look(db: Connection) -> tuple[Switch, int, int, list[Alarm], list[Request]]:
        return (
            limits.standing(db),
            attempts.placed(db, now - limits.HOUR),
            attempts.going_on(db, now),
            limits.recent_alarms(db, now - DAY),
            requests.search(db, open_only=True, limit=200),
        )

    async def work(db: Database) -> tuple[Switch, int, int, list[Alarm], list[Request]]:
        return await db.read(look)

    switch, placed, going_on, alarms, wanted = run(settings, work)
    bounds = settings.outbound.limits
    if settings.outbound.trunk is None:
        typer.echo("没有外呼中继 / no trunk: set outbound.trunk in config.yaml")
    typer.echo(_of_switch(switch))
    typer.echo(f"一小时内 / within the hour: {placed} / {bounds.most_per_hour}")
    typer.echo(f"进行中 / going on: {going_on} / {bounds.most_at_once}")
    for alarm in alarms:
        at = alarm.at.astimezone(settings.company.tz)
        typer.echo(f"告警 alarm {at:%m-%d %H:%M} {alarm.cause}")
    for request in wanted:
        of = ticket_number(request.ticket_id) if request.ticket_id else "-"
        due = (
            f"{request.due_at.astimezone(settings.company.tz):%m-%d %H:%M}"
            if request.due_at
            else "-"
        )
        typer.echo(
            f"{request.id} {request.purpose} {request.way} {request.state} {of} "
            f"{mask_number(request.e164) or '-'} {due} {request.attempts}"
        )


@app.command()
def stop(reason: Because = "", config: ConfigOption = Path("config.yaml")) -> None:
    """立即停止一切外呼 / place no more calls, and hang up on those that ring."""
    _turn(config, True, reason)


@app.command()
def start(reason: Because = "", config: ConfigOption = Path("config.yaml")) -> None:
    """恢复外呼 / place calls again."""
    _turn(config, False, reason)


@app.command()
def evidence(
    number: Annotated[str, typer.Option(help="只看此号码 / of this number alone")] = "",
    most: Annotated[int, typer.Option(min=1, max=attempts.MOST, help="最多几条 / at most")] = 20,
    full: Annotated[bool, typer.Option("--full", help="完整号码 / numbers in full")] = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """外呼凭证 / calls placed, newest first: numbers, times, identity, consent, recordings."""
    settings = load_settings(config)
    e164 = _stored(number, config) if number else None

    def look(db: Connection) -> tuple[list[Attempt], Mapping[str, tuple[int, ...]]]:
        found = attempts.search(db, e164=e164, limit=most)
        return found, attempts.recordings_of(db, found)

    async def work(db: Database) -> tuple[list[Attempt], Mapping[str, tuple[int, ...]]]:
        return await db.read(look)

    def clock(at: datetime | None) -> str:
        return f"{at.astimezone(settings.company.tz):%Y-%m-%d %H:%M:%S}" if at else "-"

    found, kept = run(settings, work)
    for one in found:
        to = one.e164 if full else mask_number(one.e164)
        of = ticket_number(one.ticket_id) if one.ticket_id else "-"
        heard = ",".join(map(str, kept.get(one.id, ()))) or "-"
        typer.echo(
            f"{clock(one.placed_at)} {one.purpose} {of} {one.shown} → {to} {one.outcome or '…'}\n"
            f"    接听 answered {clock(one.answered_at)}, 结束 ended {clock(one.ended_at)}, "
            f"身份 identity {one.identity or '-'} {clock(one.identity_at)}, "
            f"同意 consent {one.consent or '-'} {clock(one.consent_at)}, 录音 recordings {heard}"
        )


@numbers.command("add")
def add_number(
    number: NumberArgument, reason: Because = "", config: ConfigOption = Path("config.yaml")
) -> None:
    """不再拨打 / never call this number."""
    stored = _stored(number, config)

    async def work(db: Database) -> Mark:
        return await db.write(
            marks.put, stored, DO_NOT_CALL, reason, datetime.now(UTC), actor=_actor()
        )

    typer.echo(f"{mask_number(run(load_settings(config), work).e164)} 不再拨打 / is not called")


@numbers.command("remove")
def remove_number(number: NumberArgument, config: ConfigOption = Path("config.yaml")) -> None:
    """可以再拨 / may be called again."""
    stored = _stored(number, config)

    async def work(db: Database) -> bool:
        return await db.write(marks.remove, stored, DO_NOT_CALL, datetime.now(UTC), actor=_actor())

    if not run(load_settings(config), work):
        typer.echo("不在名单上 / is not on the list", err=True)
        raise typer.Exit(1)
    typer.echo(f"{mask_number(stored)} 可以再拨 / may be called again")


@numbers.command("list")
def list_numbers(
    full: Annotated[bool, typer.Option("--full", help="完整号码 / numbers in full")] = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """名单 / the list, by number."""

    async def work(db: Database) -> list[Mark]:
        found: list[Mark] = []
        while page := await db.read(
            marks.search, mark=DO_NOT_CALL, after=_after(found), limit=marks.MOST
        ):
            found += page
        return found

    for mark in run(load_settings(config), work):
        number = mark.e164 if full else mask_number(mark.e164)
        typer.echo(f"{number} {mark.at:%Y-%m-%d} {mark.actor} {mark.reason}".rstrip())


def _turn(config: Path, stopped: bool, reason: str) -> None:
    turn = limits.stop if stopped else limits.start

    async def work(db: Database) -> Switch:
        return await db.write(turn, reason, datetime.now(UTC), actor=_actor())

    typer.echo(_of_switch(run(load_settings(config), work)))


def _of_switch(switch: Switch) -> str:
    word = "已停止 stopped" if switch.stopped else "运行中 running"
    if switch.changed_at is None:
        return f"外呼 calls to customers: {word}"
    at = switch.changed_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"外呼 calls to customers: {word} ({at} {switch.actor} {switch.reason})".replace(
        " )", ")"
    )


def _after(found: list[Mark]) -> str:
    return f"{found[-1].e164} {found[-1].mark}" if found else ""


def _stored(number: str, config: Path) -> str:
    home = load_settings(config).company.home_area_code
    e164 = locate(number, home).e164
    if not e164:
        typer.echo(f"{number!r} 不是可拨的号码 / is no number that could be called", err=True)
        raise typer.Exit(2)
    return e164


def _actor() -> str:
    """Who sits at the keyboard."""
    return f"cli:{getpass.getuser()}"
