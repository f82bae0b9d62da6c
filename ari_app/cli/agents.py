"""`huisheng agents`: what agents of a running line do, and setting it."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ari_app.cli.with_api import URL, Api, TokenOption, UrlOption

app = typer.Typer()

Extension = Annotated[str, typer.Argument(help="分机 / the agent's extension")]
Reason = Annotated[str, typer.Option(help="原因,如 午休 / why, shown beside the state")]


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, url: UrlOption = URL, token: TokenOption = "") -> None:
    """坐席状态 / agents of a running line: list them, or set one's state."""
    if context.invoked_subcommand is not None:
        context.obj = (url, token)
        return
    table = Table("extension", "name", "team", "skills", "state", "reason", "since", "call")
    for agent in Api(url, token).get("agents")["items"]:
        table.add_row(
            agent["extension"],
            agent["name"],
            agent["team"],
            " ".join(agent["skills"]),
            agent["state"],
            agent["reason"],
            agent["since"][:19].replace("T", " "),
            agent["call_id"] or "–",
        )
    Console(markup=False).print(table)


@app.command()
def ready(
    context: typer.Context,
    extension: Extension,
    reason: Reason = "",
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """示闲 / take calls again; one who is in a call, when it ends."""
    _set(api_of(context, url, token), extension, "ready", reason)


@app.command()
def away(
    context: typer.Context,
    extension: Extension,
    reason: Reason = "",
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """离席 / take no calls; one who is in a call, when it ends."""
    _set(api_of(context, url, token), extension, "away", reason)


@app.command("wrap-up")
def wrap_up(
    context: typer.Context,
    extension: Extension,
    reason: Reason = "",
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """话后处理 / take no calls for the time of a wrap-up."""
    _set(api_of(context, url, token), extension, "wrap_up", reason)


def api_of(context: typer.Context, url: str, token: str) -> Api:
    """The API that the options name, before the command's name or after it."""
    group_url, group_token = context.obj
    return Api(url if url != URL else group_url, token or group_token)


def _set(api: Api, extension: str, state: str, reason: str) -> None:
    agent = api.put("agents", extension, "state", state=state, reason=reason)
    why = f" ({agent['reason']})" if agent["reason"] else ""
    typer.echo(f"{agent['extension']} {agent['name']}: {agent['state']}{why}")
