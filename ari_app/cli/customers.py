"""`huisheng customers`: import customers and find them by number."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk import customers
from desk.customers import Customer, ImportReport
from desk.db.engine import Database
from desk.region import locate

app = typer.Typer(no_args_is_help=True)

AT_ONCE = 100  # customers per transaction: calls are answered between two


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, UTF-8")],
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """导入客户 / import customers from CSV.

    列 / columns: name, numbers (several: ; or /), company, level, email, note, external_id. The
    whole file is checked first; customers that are there (by external_id, or by name and number)
    are changed where they differ, so the same file can be imported again.
    """
    settings = load_settings(config)

    async def work(db: Database) -> ImportReport:
        rows = await asyncio.to_thread(
            customers.read_csv, file, home_area_code=settings.company.home_area_code
        )
        report = ImportReport()
        now = datetime.now(UTC)
        for start in range(0, len(rows), AT_ONCE):
            report += await db.write(customers.upsert, rows[start : start + AT_ONCE], now)
        return report

    report = run(settings, work)
    typer.echo(
        f"新增 created {report.created}, 更新 updated {report.updated}, "
        f"未变 unchanged {report.unchanged}"
    )


@app.command()
def find(
    number: Annotated[str, typer.Argument(help="号码,任何写法 / a number in any form")],
    as_json: Annotated[bool, typer.Option("--json", help="每行一个 / one JSON per line")] = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """按号码查客户 / every customer with a number; exit code 1 if there is none."""
    settings = load_settings(config)
    caller = locate(number, settings.company.home_area_code)

    async def work(db: Database) -> list[Customer]:
        return await db.read(customers.find_by_number, caller.e164)

    found = run(settings, work)
    if not found:
        typer.echo(f"没有客户 / no customer with {caller.e164 or number!r}", err=True)
        raise typer.Exit(1)
    if as_json:
        for customer in found:
            typer.echo(orjson.dumps(customer).decode())
        return
    table = Table("id", "name", "company", "level", "numbers")
    for customer in found:
        table.add_row(
            str(customer.id),
            customer.name,
            customer.company,
            customer.level,
            " ".join(customer.numbers),
        )
    Console(markup=False).print(table)
