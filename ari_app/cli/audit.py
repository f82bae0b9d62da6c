"""`huisheng audit`: is the history still as it was written?"""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk import timeline
from desk.db.engine import Database
from desk.timeline import Verdict

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """时间线校验 / the timeline's hash chain."""


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """校验时间线 / check every entry; exit code 1 if anything was changed.

    Write the head's hash down elsewhere: later it shows that the history before it is the same.
    """

    async def work(db: Database) -> Verdict:
        return await db.read(timeline.verify)

    verdict = run(load_settings(config), work)
    if as_json:
        typer.echo(orjson.dumps({"intact": verdict.intact, **_plain(verdict)}).decode())
    else:
        for flaw in verdict.flaws:
            typer.echo(f"{flaw.seq}: {flaw.what}", err=True)
        word = "完好 intact" if verdict.intact else "被改动 CHANGED"
        typer.echo(
            f"{word}: {verdict.entries} entries, {verdict.erased} erased, head {verdict.head}"
        )
    if not verdict.intact:
        raise typer.Exit(1)


def _plain(verdict: Verdict) -> dict[str, object]:
    return {
        "entries": verdict.entries,
        "erased": verdict.erased,
        "head": verdict.head,
        "flaws": [{"seq": flaw.seq, "what": flaw.what} for flaw in verdict.flaws],
    }
