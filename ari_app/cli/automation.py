"""`huisheng automation`: rules as data: check, put in force, go back, what they did, what they
would have done."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from ari_app.house import house_of
from ari_app.settings import Settings
from desk import automation, house
from desk.automation import Edition, Run, RunState, runs
from desk.automation.book import Book
from desk.automation.check import book_of, check, shipped
from desk.automation.dry_run import DryRun
from desk.db.engine import Database
from desk.messages import Templates
from desk.numbering import ticket_id_of
from desk.routing import BadRules

app = typer.Typer(no_args_is_help=True)

FILE = Path("automation.yaml")
ACTOR = "operator"
MOST_SHOWN = 200

FileArgument = Annotated[
    Path, typer.Argument(help="规则文件 / the rule set", show_default=str(FILE))
]


@app.command()
def validate(file: FileArgument = FILE, config: ConfigOption = Path("config.yaml")) -> None:
    """检查 / everything that is wrong with a rule set, with line and mend. Changes nothing."""
    settings = load_settings(config)
    _, findings = check(_text(file), house_of(settings), _templates(settings))
    for each in findings:
        typer.echo(f"{file}: {each}", err=True)
    if findings:
        raise typer.Exit(1)
    typer.echo("可以启用 / it can be put in force: huisheng automation activate")


@app.command()
def show(
    edition: Annotated[
        int | None, typer.Option(help="版次 / which; that in force if left out")
    ] = None,
    comes_along: Annotated[
        bool, typer.Option("--shipped", help="自带的规则 / the rule set that comes along")
    ] = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """查看 / print a rule set as it was put in force, or the one that comes along."""
    if comes_along:
        typer.echo(shipped().rstrip())
        return

    async def work(db: Database) -> Edition | None:
        if edition is not None:
            return await db.read(automation.get, edition)
        return await db.read(automation.latest)

    found = run(load_settings(config), work)
    if found is None:
        typer.echo("还没有启用规则 / no rule set is in force yet: huisheng run does it", err=True)
        raise typer.Exit(1)
    typer.echo(f"# {_line(found)}")
    typer.echo(found.content.rstrip())


@app.command()
def activate(
    file: FileArgument = FILE,
    note: Annotated[str, typer.Option(help="为什么 / why, for who reads the list")] = "",
    expected: Annotated[
        int | None, typer.Option(help="看到的版次 / the edition seen in force; refused if outdated")
    ] = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """启用 / put a rule set in force, if all of it is right."""
    settings, content = load_settings(config), _text(file)

    async def work(db: Database) -> Edition:
        now = datetime.now(UTC)
        await db.write(house.declare, house_of(settings), now)
        return await db.write(
            automation.activate, content, _templates(settings), now, actor=ACTOR, note=note,
            expected=expected,
        )  # fmt: skip

    typer.echo(f"已启用 / in force: {_line(_named(settings, work, file))}")


@app.command()
def versions(config: ConfigOption = Path("config.yaml")) -> None:
    """版本 / every rule set that was put in force, the latest first."""

    async def work(db: Database) -> list[Edition]:
        return await db.read(automation.versions, limit=200)

    for each in run(load_settings(config), work):
        typer.echo(_line(each))


@app.command()
def rollback(
    edition: Annotated[int, typer.Argument(help="版次 / the one to bring back")],
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """回退 / bring a former rule set back, as a new one."""
    settings = load_settings(config)

    async def work(db: Database) -> Edition:
        now = datetime.now(UTC)
        await db.write(house.declare, house_of(settings), now)
        return await db.write(automation.restore, edition, _templates(settings), now, actor=ACTOR)

    typer.echo(f"已启用 / in force: {_line(_named(settings, work, None))}")


@app.command("runs")
def list_runs(
    ticket: Annotated[str, typer.Option(help="工单号 / a ticket's number")] = "",
    rule: Annotated[str, typer.Option(help="规则 / a rule's name")] = "",
    state: Annotated[
        RunState | None, typer.Option(help="failed 有动作没做成 / stopped 被制止")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """执行记录 / what rules did, why, and why something was not possible; the latest last."""
    ticket_id = ticket_id_of(ticket) if ticket else None
    if ticket and ticket_id is None:
        typer.echo(f"{ticket!r} 不是工单号 / is no ticket number", err=True)
        raise typer.Exit(2)

    async def work(db: Database) -> list[Run]:
        return await db.read(
            runs.listing, ticket_id=ticket_id, rule=rule or None, state=state, limit=limit
        )

    for each in reversed(run(load_settings(config), work)):
        for line in _told(each):
            typer.echo(line)


@app.command("dry-run")
def dry_run(
    since: Annotated[datetime, typer.Option(help="从何时起 / 2026-11-01 or 2026-11-01T09:00:00")],
    file: Annotated[
        Path | None, typer.Argument(help="规则文件,空 = 已启用的 / that in force if left out")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="到何时 / now if left out")] = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """试运行 / what rules would have done to the cases of the past. Changes nothing.

    时间按公司时区;除状态、组、处理人、级别外,条件按现在的资料判断。
    Moments are the company's; but for status, team, assignee and level, conditions are asked as
    things are known now.
    """
    settings = load_settings(config)
    content = _text(file) if file is not None else None
    tz = settings.company.tz

    def moment(given: datetime) -> datetime:
        return (given.replace(tzinfo=tz) if given.tzinfo is None else given).astimezone(UTC)

    def book(db: Connection) -> Book | None:
        if content is None:
            return automation.in_force(db)
        return book_of(content, house_of(settings), _templates(settings))

    async def work(db: Database) -> DryRun | None:
        rules = await db.read(book)
        if rules is None:
            return None
        end = moment(until) if until is not None else datetime.now(UTC)
        play = DryRun(rules, moment(since), end, tz)
        while not play.over:
            await db.read(play.step)
        return play

    found = _named(settings, work, file)
    if found is None:
        typer.echo("还没有启用规则 / no rule set is in force: name a file", err=True)
        raise typer.Exit(1)
    for would in found.found[:MOST_SHOWN]:
        at = would.at.astimezone(tz).isoformat(timespec="minutes")
        typer.echo(f"{at} {would.number} {would.rule} ({would.kind}): {', '.join(would.actions)}")
    left = len(found.found) - MOST_SHOWN
    if left > 0 or found.more:
        typer.echo(f"… 还有 / and {max(left, 0)}{'+' if found.more else ''} more")
    counted = Counter(would.rule for would in found.found)
    for name, times in counted.most_common():
        typer.echo(f"{times:>6} {name}")
    typer.echo(f"{found.looked_at} 条记录 / entries looked at; 未作任何改动 / nothing was changed")


def _named(settings: Settings, work: Any, file: Path | None) -> Any:
    """Run it; what is wrong with a rule set names the file."""

    async def named(db: Database) -> Any:
        try:
            return await work(db)
        except BadRules as error:
            lines = [f"{file or 'rules'}: {each}" for each in error.findings]
            raise ValueError("\n".join(lines)) from error

    return run(settings, named)


def _templates(settings: Settings) -> Templates:
    return Templates(settings.messages, settings.company.name)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        typer.echo(f"{file}: cannot be read: {why}; name another file", err=True)
        raise typer.Exit(2) from error


def _line(found: Edition) -> str:
    at = found.activated_at.isoformat(timespec="seconds")
    again = f", 恢复 / restores {found.restores}" if found.restores is not None else ""
    note = f": {found.note}" if found.note else ""
    return f"edition {found.edition}, {at}, {found.actor}{again}{note}"


def _told(each: Run) -> list[str]:
    mark = {RunState.DONE: "✓", RunState.FAILED: "✗", RunState.STOPPED: "■"}[each.state]
    at = each.at.isoformat(timespec="seconds")
    because = "; ".join(clause["text"] for clause in each.clauses)
    words = [word for clause in each.clauses for word in clause["mentioned"]]
    why = f"  [{because}{': ' + ', '.join(words) if words else ''}]" if because else ""
    return [
        f"{mark} {at} {each.number} {each.rule} ({each.kind}, {each.cause}){why}",
        *(f"    {a['do']:<10} {a['outcome']:<8} {a['told']}" for a in each.actions),
    ]
