"""`huisheng sla`: why a case is due when it is due, and changing the policies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ari_app.beginning import levels_of
from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from ari_app.settings import Settings
from desk import sla
from desk.calendar import CalendarFileError
from desk.db.engine import Database
from desk.numbering import ticket_id_of
from desk.sla import Book, Clock, Effect
from desk.sla.editions import Edition, former
from desk.sla.editions import editions as former_editions
from desk.sla.explaining import explain as explained
from desk.sla.lists import Due
from desk.sla.lists import due as listed
from desk.tickets import ticket_number

app = typer.Typer(no_args_is_help=True)

MOST_SHOWN = 20


class ColourChoice(StrEnum):
    """How a clock stands."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"


BackTo = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="不用 config.yaml,恢复这一版 / what that edition had, not what config.yaml says",
    ),
]


@app.command()
def explain(
    number: Annotated[str, typer.Argument(help="工单号 / ticket number")],
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """说明时限 / which policy a ticket has, how its clocks stand, who heard of it."""
    settings = load_settings(config)
    ticket_id = ticket_id_of(number)
    if ticket_id is None:
        typer.echo(f"{number!r} 不是工单号 / is no ticket number", err=True)
        raise typer.Exit(2)

    async def work(db: Database) -> list[str]:
        return await db.read(explained, ticket_id, datetime.now(UTC))

    for line in run(settings, work):
        typer.echo(line)


@app.command()
def effect(
    back_to: BackTo = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """预览改动 / what the policies of config.yaml would change on open tickets. Changes nothing.

    The last line has the edition to name in `huisheng sla apply --edition`.
    """
    settings = load_settings(config)

    async def work(db: Database) -> _Seen:
        return await _seen(db, await _book(settings, db, back_to), datetime.now(UTC))

    for line in run(settings, work).lines():
        typer.echo(line)


@app.command()
def apply(
    edition: Annotated[
        int | None,
        typer.Option(help="预览时的版次 / the edition whose effect was seen: refused if outdated"),
    ] = None,
    back_to: BackTo = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """启用 / put the policies and calendars of config.yaml in force, and reckon open tickets anew.

    Shows the effect first. What has ended stays as it was; a step that has fired does not fire
    again.
    """
    settings = load_settings(config)
    now = datetime.now(UTC)

    async def work(db: Database) -> int:
        book = await _book(settings, db, back_to)
        for warning in book.unknown(book.today("", now)):
            typer.echo(str(warning), err=True)
        seen = await _seen(db, book, now)
        for line in seen.lines(MOST_SHOWN):
            typer.echo(line)
        expected = seen.edition if edition is None else edition
        number = await db.write(sla.apply, book, now, actor="operator", expected=expected)
        while await db.write(sla.recompute, 20):
            pass
        return number

    typer.echo(f"已启用 / in force: edition {run(settings, work)}")


@app.command()
def rebuild(config: ConfigOption = Path("config.yaml")) -> None:
    """重建 / make every stored clock again from the history of its ticket. Says which differed.

    What is stored follows by itself; after a mishap this makes sure of it.
    """

    async def work(db: Database) -> tuple[int, list[int]]:
        looked_at, differed, last = 0, list[int](), 0
        while True:
            part = await db.write(sla.rebuild, last)
            looked_at += part.looked_at
            differed += part.differed
            if part.last is None:
                return looked_at, differed
            last = part.last

    looked_at, differed = run(load_settings(config), work)
    for ticket_id in differed:
        typer.echo(ticket_number(ticket_id))
    count = len(differed)
    typer.echo(f"{looked_at} 张工单中 {count} 张有出入 / {count} of {looked_at} tickets differed")


@app.command()
def editions(config: ConfigOption = Path("config.yaml")) -> None:
    """历次版本 / every edition of policies and calendars, the newest first: in force."""
    settings = load_settings(config)

    async def work(db: Database) -> list[Edition]:
        return await db.read(former_editions, None, 100)

    for each in run(settings, work):
        since = each.since.astimezone(settings.company.tz).strftime("%Y-%m-%d %H:%M")
        names = ", ".join(policy.name for policy in each.book.data.policies)
        typer.echo(f"{each.number}  {since}  {each.actor}  {names}")


@app.command()
def due(
    colour: Annotated[
        ColourChoice,
        typer.Option(help="red 已超时 / overdue; amber 将超时 / nearly; green 其余 / rest"),
    ] = ColourChoice.RED,
    most: Annotated[int, typer.Option(min=1, max=200, help="最多几行 / lines at most")] = 50,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """到期清单 / clocks that are overdue, or nearly, the first due first."""
    settings = load_settings(config)
    now = datetime.now(UTC)

    async def work(db: Database) -> list[Due]:
        return await db.read(listed, now, colour=colour.value, limit=most)

    for each in run(settings, work):
        at = each.key.due_at.astimezone(settings.company.tz).strftime("%Y-%m-%d %H:%M")
        who = " ".join(part for part in (each.team, each.assignee) if part) or "-"
        typer.echo(
            f"{at}  {ticket_number(each.ticket_id)}  {each.clock.target}  {each.status}  {who}"
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a change does to all open tickets, as of the edition in force."""

    found: Sequence[Effect]
    looked_at: int
    edition: int

    def lines(self, most: int | None = None) -> Iterator[str]:
        """A line for each clock that changes, at most so many, and how many tickets there are."""
        for each in self.found[:most]:
            fires = f"; 立即升级 fires at once: {', '.join(each.fires)}" if each.fires else ""
            yield (
                f"{ticket_number(each.ticket_id)} {each.target} #{each.cycle}: "
                f"{_told(each.before)} → {_told(each.after)}{fires}"
            )
        if most is not None and len(self.found) > most:
            yield "…  全部 / all of them: huisheng sla effect"
        tickets = len({each.ticket_id for each in self.found})
        yield (
            f"{self.looked_at} 张未结工单中 {tickets} 张会变 / {tickets} of {self.looked_at} open "
            f"tickets change; edition {self.edition}"
        )


async def _seen(db: Database, book: Book, now: datetime) -> _Seen:
    found: list[Effect] = []
    last, looked_at = 0, 0
    while True:
        part = await db.read(sla.effect, book, now, last)
        found += part.changed
        looked_at += part.looked_at
        if part.last is None:
            return _Seen(found, looked_at, part.edition)
        last = part.last


async def _book(settings: Settings, db: Database, back_to: int | None) -> Book:
    if back_to is not None:
        return await db.read(former, back_to)
    try:
        return levels_of(settings)
    except CalendarFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _told(clock: Clock | None) -> str:
    if clock is None:
        return "-"
    due = clock.due_at.isoformat(timespec="minutes") if clock.due_at else "paused"
    return f"{clock.policy} {int(clock.due.total_seconds()) // 60} min, due {due}"
