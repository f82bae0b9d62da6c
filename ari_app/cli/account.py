"""`huisheng account`: who may log in. Passwords come from a prompt or from standard input, never
from the command line, where other users of the machine can read them.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk import accounts
from desk.access import COLUMNS, ROLES, TABLE, UNMASKED, Role
from desk.accounts import Account, NewAccount, passwords
from desk.db.engine import Database

app = typer.Typer(no_args_is_help=True)

_ROLES = ", ".join(f"{role.value} {word}" for role, word in ROLES.items())
Name = Annotated[str, typer.Argument(help="登录名 / the name to log in with")]
Stdin = Annotated[
    bool,
    typer.Option("--stdin", help="密码从标准输入读一行 / read the password from a line of input"),
]


@app.command()
def create(
    name: Name,
    role: Annotated[Role, typer.Option(help=f"角色 / role: {_ROLES}")],
    full_name: Annotated[
        str, typer.Option("--full-name", help="姓名 / as colleagues know him")
    ] = "",
    team: Annotated[str, typer.Option(help="班组 / team")] = "",
    extension: Annotated[str, typer.Option(help="分机 / extension of the telephone")] = "",
    unmasked: Annotated[
        bool,
        typer.Option("--unmasked", help="可见完整号码 / sees numbers in full, as far as the role"),
    ] = False,
    stdin: Stdin = False,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """新建账号 / make an account."""
    settings = load_settings(config)
    password = _password(stdin)

    async def work(db: Database) -> Account:
        passwords.check(password, name)
        new = NewAccount(name, full_name or name, role, team, extension, unmasked)
        kept = passwords.hashed(password)
        return await db.write(accounts.create, new, kept, datetime.now(UTC), actor="cli")

    made = run(settings, work)
    typer.echo(
        f"账号 / account {made.name}: {made.role.value} {ROLES[made.role]} {made.team}".rstrip()
    )


@app.command("list")
def listing(config: ConfigOption = Path("config.yaml")) -> None:
    """列出账号 / list all accounts."""

    async def work(db: Database) -> list[Account]:
        return await db.read(accounts.listing)

    now = datetime.now(UTC)
    table = Table(
        "name", "full name", "role", "team", "extension", "unmasked", "state", "last login"
    )
    for account in run(load_settings(config), work):
        state = "locked" if account.locked(now) else "valid"
        table.add_row(
            account.name,
            account.full_name,
            account.role.value,
            account.team,
            account.extension,
            "yes" if account.unmasked else "",
            "disabled" if account.disabled_at is not None else state,
            f"{account.last_login_at:%Y-%m-%d %H:%M}" if account.last_login_at else "–",
        )
    Console(markup=False).print(table)


@app.command()
def roles() -> None:
    """谁可以做什么 / who may what, operation by operation.

    – 不可 / not at all · own 自己的工单 · team 本班组及未分配的 · other 所有工单 / anybody's.
    """
    table = Table("operation", *(f"{role.value} {ROLES[role]}" for role in COLUMNS))
    for operation, reach in {**TABLE, "numbers and names in full": UNMASKED}.items():
        table.add_row(
            operation, *(reach[role].name.lower().replace("none", "–") for role in COLUMNS)
        )
    Console(markup=False, width=None if sys.stdout.isatty() else 160).print(table)


@app.command()
def password(name: Name, stdin: Stdin = False, config: ConfigOption = Path("config.yaml")) -> None:
    """设置密码,所有登录失效 / set a password; it ends every session and opens the lock."""
    settings = load_settings(config)
    new = _password(stdin)

    async def work(db: Database) -> None:
        passwords.check(new, name)
        kept = passwords.hashed(new)
        await db.write(accounts.set_password, name, kept, datetime.now(UTC), actor="cli")

    run(settings, work)
    typer.echo(f"{name}: 密码已更换 / the password is set")


@app.command()
def change(
    name: Name,
    role: Annotated[Role | None, typer.Option(help=f"角色 / role: {_ROLES}")] = None,
    full_name: Annotated[str | None, typer.Option("--full-name", help="姓名 / full name")] = None,
    team: Annotated[str | None, typer.Option(help="班组 / team")] = None,
    extension: Annotated[str | None, typer.Option(help="分机 / extension")] = None,
    unmasked: Annotated[
        bool | None, typer.Option("--unmasked/--masked", help="可见完整号码 / sees numbers in full")
    ] = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """修改账号 / change what is given; another role, team or right ends the sessions."""
    given = {
        "role": role, "full_name": full_name, "team": team, "extension": extension,
        "unmasked": unmasked,
    }  # fmt: skip
    changes = {key: value for key, value in given.items() if value is not None}
    _change(config, name, changes)
    typer.echo(f"{name}: 已修改 / changed")


@app.command()
def disable(name: Name, config: ConfigOption = Path("config.yaml")) -> None:
    """停用账号及其登录和令牌 / disable an account, its sessions and its tokens, at once."""
    _change(config, name, {"disabled": True})
    typer.echo(f"{name}: 已停用 / disabled")


@app.command()
def enable(name: Name, config: ConfigOption = Path("config.yaml")) -> None:
    """恢复账号 / enable a disabled account."""
    _change(config, name, {"disabled": False})
    typer.echo(f"{name}: 已恢复 / enabled")


def _change(config: Path, name: str, changes: dict[str, Any]) -> None:
    async def work(db: Database) -> None:
        await db.write(accounts.change, name, changes, datetime.now(UTC), actor="cli")

    run(load_settings(config), work)


def _password(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline(passwords.MOST + 2).rstrip("\r\n")
    asked: str = typer.prompt(
        f"密码,至少 {passwords.FEWEST} 个字符 / password", hide_input=True, confirmation_prompt=True
    )
    return asked
