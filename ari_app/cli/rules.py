"""`huisheng rules`: routing rules as data: check, try, put in force, go back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy import Connection

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from ari_app.house import house_of
from ari_app.settings import Settings
from desk import house, routing
from desk.db.engine import Database
from desk.house import House
from desk.numbering import ticket_id_of
from desk.routing import BadRules, Book, Edition, Explained, Finding, Why
from desk.routing.editions import get
from desk.routing.roster import peopled
from desk.routing.schema import FACTS

app = typer.Typer(no_args_is_help=True)

FILE = Path("routing.yaml")
ACTOR = "operator"

FileArgument = Annotated[
    Path, typer.Argument(help="规则文件 / the rule set", show_default=str(FILE))
]


@app.command()
def validate(file: FileArgument = FILE, config: ConfigOption = Path("config.yaml")) -> None:
    """检查 / everything that is wrong with a rule set, with line and mend. Changes nothing."""
    settings, content = load_settings(config), _text(file)

    async def work(db: Database) -> list[Finding]:
        return await db.read(_findings, house_of(settings), content)

    findings = run(settings, work)
    for each in findings:
        typer.echo(f"{file}: {'' if each.fatal else '提示 / hint: '}{each}", err=each.fatal)
    if any(each.fatal for each in findings):
        raise typer.Exit(1)
    typer.echo("可以启用 / it can be put in force: huisheng rules activate")


@app.command()
def show(
    edition: Annotated[
        int | None, typer.Option(help="版次 / which; that in force if left out")
    ] = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """查看 / print a rule set as it was put in force."""

    async def work(db: Database) -> Edition | None:
        if edition is not None:
            return await db.read(get, edition)
        return await db.read(routing.latest)

    found = run(load_settings(config), work)
    if found is None:
        typer.echo("还没有启用规则 / no rule set is in force: huisheng rules activate", err=True)
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
            routing.activate, content, now, actor=ACTOR, note=note, expected=expected
        )

    typer.echo(f"已启用 / in force: {_line(_of(run, settings, work, file))}")


@app.command()
def versions(config: ConfigOption = Path("config.yaml")) -> None:
    """版本 / every rule set that was put in force, the latest first."""

    async def work(db: Database) -> list[Edition]:
        return await db.read(routing.versions, limit=200)

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
        return await db.write(routing.restore, edition, now, actor=ACTOR)

    typer.echo(f"已启用 / in force: {_line(run(settings, work))}")


@app.command("test")
def try_it(
    file: Annotated[
        Path | None, typer.Argument(help="规则文件,空 = 已启用的 / that in force if left out")
    ] = None,
    ticket: Annotated[str, typer.Option(help="工单号 / a ticket's number")] = "",
    sample: Annotated[
        str,
        typer.Option(
            help="假设 / facts as YAML: '{ticket: {type: complaint, area_code: \"022\"}}'"
        ),
    ] = "",
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """试跑 / what would happen to a ticket, which rule holds and where the others fail. Changes
    nothing.
    """
    if bool(ticket) == bool(sample):
        typer.echo("give one of --ticket and --sample", err=True)
        raise typer.Exit(2)
    settings = load_settings(config)
    content = _text(file) if file is not None else None
    facts, ticket_id = _sample(sample), ticket_id_of(ticket) if ticket else None
    if ticket and ticket_id is None:
        typer.echo(f"{ticket!r} 不是工单号 / is no ticket number", err=True)
        raise typer.Exit(2)

    def explained(db: Connection) -> Explained | None:
        now = datetime.now(UTC)
        book = _book(db, house_of(settings), content)
        if book is None:
            return None
        if ticket_id is not None:
            return routing.explain(db, book, ticket_id, now)
        return routing.explain_sample(db, book, facts, now)

    async def work(db: Database) -> Explained | None:
        return await db.read(explained)

    found = _of(run, settings, work, file)
    if found is None:
        typer.echo("还没有启用规则 / no rule set is in force: name a file", err=True)
        raise typer.Exit(1)
    for line in _told(found):
        typer.echo(line)


@app.command()
def facts(config: ConfigOption = Path("config.yaml")) -> None:
    """事实 / everything that a condition can ask about, with its type."""
    schema = routing.schema_of(house_of(load_settings(config)))
    for subject, known in FACTS.items():
        for name, fact in known.items():
            typer.echo(f"{subject}.{name:<16} {fact.kind:<8} {fact.meaning}")
    for name, kind in schema.fields:
        typer.echo(f"ticket.fields.{name:<9} {kind:<8} 字段 / a field of a ticket type")


def _of(run_: Any, settings: Settings, work: Any, file: Path | None) -> Any:
    """Run it; what is wrong with a rule set names the file."""

    async def named(db: Database) -> Any:
        try:
            return await work(db)
        except BadRules as error:
            lines = [f"{file or 'rules'}: {each}" for each in error.findings]
            raise ValueError("\n".join(lines)) from error

    return run_(settings, named)


def _findings(db: Connection, of: House, content: str) -> list[Finding]:
    return routing.check(content, peopled(db, of))[1]


def _book(db: Connection, of: House, content: str | None) -> Book | None:
    if content is None:
        return routing.in_force(db)
    return routing.book_of(content, peopled(db, of))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        typer.echo(f"{file}: cannot be read: {why}; name another file", err=True)
        raise typer.Exit(2) from error


def _sample(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        typer.echo(f"--sample is not valid YAML: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(2) from error
    if not isinstance(found, dict):
        typer.echo("--sample has no facts; write '{ticket: {type: complaint}}'", err=True)
        raise typer.Exit(2)
    return found


def _line(found: Edition) -> str:
    at = found.activated_at.isoformat(timespec="seconds")
    again = f", 恢复 / restores {found.restores}" if found.restores is not None else ""
    note = f": {found.note}" if found.note else ""
    return f"edition {found.edition}, {at}, {found.actor}{again}{note}"


def _told(found: Explained) -> list[str]:
    decision, chosen = found.decision, found.chosen
    flow = found.flow.name if found.flow is not None else "-"
    who = chosen.assignee or "(组内领取 / the team takes it)"
    extra = [
        f"{name} {value}"
        for name, value in (
            ("type", decision.type), ("skill", decision.skill), ("policy", decision.policy),
            ("confirm", decision.confirm), ("watchers", ", ".join(decision.watchers)),
        )
        if value
    ]  # fmt: skip
    lines = [
        f"{'✓' if rule.why is not None and rule.why.holds else '·' if not rule.asked else '✗'} "
        f"{rule.name}: {_why(rule.why)}"
        for rule in found.rules
    ]
    lines.append(f"组 / team: {decision.team} ({decision.place})")
    lines.append(f"处理人 / assignee: {who}: {chosen.why}")
    lines += [f"    {name}: {why}" for name, why in chosen.passed]
    lines.append(f"级别 / level: {found.level} ({flow}), 优先级 / priority {found.priority}")
    return [*lines, *extra]


def _why(why: Why | None) -> str:
    if why is None:
        return "没有问到 / not asked: one before it decided"
    if why.holds:
        words = [word for clause in why.clauses for word in clause.mentioned]
        return "成立 / holds" + (f" ({', '.join(words)})" if words else "")
    failed = why.failed
    if failed is None:
        return "不成立 / does not hold"
    values = ", ".join(f"{path} = {value!r}" for path, value in failed.values.items())
    return f"不成立 / fails at: {failed.text}" + (f"  [{values}]" if values else "")
