"""`huisheng surveys`: where a customer's score comes from, and reckoning all scores anew."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, select

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk import surveys
from desk.db.engine import Database
from desk.db.schema import customers
from desk.surveys import Score, ScoreSettings

BATCH = 200

app = typer.Typer(no_args_is_help=True, help="满意度 / customers' scores")


@app.command()
def score(
    customer: Annotated[int, typer.Argument(min=1, help="客户编号 / the customer's id")],
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """说明客户分 / where a customer's score comes from: each answer, its weight, what it adds."""
    settings = load_settings(config)

    async def explained(db: Database) -> Score:
        return await db.read(surveys.explain, customer, settings.surveys.score)

    found = run(settings, explained)
    if not found.parts:
        typer.echo("没有答复 / no answers yet")
        return
    for part in found.parts:
        one = part.answer
        typer.echo(
            f"{one.at:%Y-%m-%d %H:%M}Z  {one.channel:<4} {one.points} × "
            f"{part.share:.3f} = {part.adds:.3f}  (weight {part.weight:.3f})"
        )
    typer.echo(f"{found.value:.2f}")


@app.command()
def rescore(config: ConfigOption = Path("config.yaml")) -> None:
    """按现在的公式重算全部客户分 / reckon every score anew, after a change of the formula."""
    settings = load_settings(config)

    async def all_of_them(db: Database) -> int:
        done, last = 0, 0
        while True:
            number, last = await db.write(_some, last, settings.surveys.score)
            if not number:
                return done
            done += number

    typer.echo(f"已重算 / reckoned anew: {run(settings, all_of_them)}")


def _some(db: Connection, after: int, formula: ScoreSettings) -> tuple[int, int]:
    """Reckon a batch of customers beyond an id: how many, and the last one's id."""
    query = select(customers.c.id).where(customers.c.id > after, customers.c.score > 0)
    ids = db.execute(query.order_by(customers.c.id).limit(BATCH)).scalars().all()
    for customer_id in ids:
        surveys.rescore(db, customer_id, formula)
    return len(ids), ids[-1] if ids else after
