"""`huisheng token`: make, list and revoke API tokens."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk import accounts, tokens
from desk.db.engine import Database
from desk.tokens import SCOPES, Token

app = typer.Typer(no_args_is_help=True)

_SPAN = re.compile(r"(\d{1,5})([hd])")
_HOURS = {"h": 1, "d": 24}


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="谁用它 / who uses it")],
    scope: Annotated[list[str], typer.Option(help=f"权限 / one or more of: {', '.join(SCOPES)}")],
    expires: Annotated[str, typer.Option(help="有效期 / 90d, 12h, or never")] = "365d",
    account: Annotated[
        str, typer.Option(help="绑定账号 / an account whose role and team bound the token")
    ] = "",
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """新建令牌,只显示一次 / make a token and show it, this once."""
    now = datetime.now(UTC)
    expires_at = _expiry(expires, now)

    async def work(db: Database) -> str:
        whose = (await db.read(accounts.get, account)).id if account else None
        token, secret = await db.write(
            tokens.create, name, scope, now, expires_at=expires_at, account_id=whose, actor="cli"
        )
        typer.echo(f"令牌 / token {token.id} {token.name}: {', '.join(token.scopes)}", err=True)
        return secret

    typer.echo(run(load_settings(config), work))


@app.command("list")
def listing(config: ConfigOption = Path("config.yaml")) -> None:
    """列出令牌 / list all tokens; their secrets are not stored."""

    async def work(db: Database) -> list[Token]:
        return await db.read(tokens.listing)

    now = datetime.now(UTC)
    table = Table("id", "name", "scopes", "state", "expires", "last used")
    for token in run(load_settings(config), work):
        state = "valid" if token.valid(now) else "revoked" if token.revoked_at else "expired"
        table.add_row(
            str(token.id),
            token.name,
            " ".join(token.scopes),
            state,
            f"{token.expires_at:%Y-%m-%d %H:%M}" if token.expires_at else "never",
            f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "–",
        )
    Console(markup=False).print(table)


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(help="编号 / id, see list")],
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """停用令牌 / make a token useless at once."""

    async def work(db: Database) -> None:
        await db.write(tokens.revoke, token_id, datetime.now(UTC), actor="cli")

    run(load_settings(config), work)
    typer.echo(f"token {token_id} is revoked")


def _expiry(expires: str, now: datetime) -> datetime | None:
    if expires == "never":
        return None
    span = _SPAN.fullmatch(expires)
    if span is None:
        raise typer.BadParameter("give a number and h or d, like 90d, or never")
    return now + timedelta(hours=int(span[1]) * _HOURS[span[2]])
