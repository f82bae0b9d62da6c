"""`huisheng ticket`: how a ticket lives."""

from typing import Annotated

import typer

from desk.tickets import picture

app = typer.Typer(no_args_is_help=True, help="工单 / tickets: their lifecycle as a picture")


@app.callback()
def _tickets() -> None:
    """工单 / tickets."""


@app.command()
def lifecycle(
    dot: Annotated[bool, typer.Option("--dot", help="Graphviz")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Mermaid")] = False,
) -> None:
    """画出工单的一生 / draw from where to where, who may, what it needs, what follows."""
    if dot and mermaid:
        raise typer.BadParameter("choose one of --dot and --mermaid")
    typer.echo(picture.dot() if dot else picture.mermaid() if mermaid else picture.text(), nl=False)
