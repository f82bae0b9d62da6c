"""What is there before the closed loop begins: a customer on file, agents with accounts, and rules.
Each is made as its `huisheng` command makes it; service levels are in force by themselves.
"""

import asyncio
import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ari_app.demo.lines import DemoLine
from ari_app.demo.loop_line import NAME, NUMBER
from ari_app.demo.watch import LOOK_SECONDS
from ari_app.process import utc_now
from ari_app.settings import Settings
from desk import accounts, routing, tokens
from desk.access import Role
from desk.chores import standing
from desk.customers.reading import CustomerRow
from desk.customers.upsert import upsert
from desk.region import locate

ACTOR = "demo"
SCOPES = ("tickets:read", "tickets:write", "unmasked")
FOLLOWERS = frozenset({"routing", "confirming", "surveys", "messages.resolved"})
"""What reacts by itself in the story; each follows what happens after its own beginning."""
RULES = """
default_team: {team}
levels:
  1: {{name: 重大}}
  2: {{name: 严重}}
  3: {{name: 一般, priority: 20}}
  4: {{name: 轻微}}
rules:
  - name: complaint
    when: ticket.type == "complaint"
    then: {{level: 3}}
"""


def rules_for(settings: Settings, folder: Path) -> str:
    """The rule set of a line: `routing.yaml` in its folder; else everything to the team that the
    first agent is in."""
    try:
        return (folder / "routing.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return RULES.format(team=settings.pbx.agents[0].team)


async def set_stage(line: DemoLine, rules: str) -> None:
    """Wait until the line's chores follow what happens, then make all of it.

    Raises:
        DeskError: the rules cannot be used.
    """
    settings = line.settings
    password = await asyncio.to_thread(accounts.passwords.hashed, secrets.token_urlsafe())

    def made(db: Connection, now: datetime) -> None:
        number = locate(NUMBER, settings.company.home_area_code).e164
        upsert(db, [CustomerRow(1, None, NAME, "", "", (number,), "", "")], now, actor=ACTOR)
        for agent in settings.pbx.agents:
            new = accounts.NewAccount(
                _account(agent.extension),
                agent.name,
                Role.AGENT,
                team=agent.team,
                extension=agent.extension,
                unmasked=True,
            )
            accounts.create(db, new, password, now, actor=ACTOR)
        routing.activate(db, rules, now, actor=ACTOR)

    with line.db.subscribe() as commits:  # before its chores, the line has not said who it is
        while not {each.name for each in await line.db.read(standing)} >= FOLLOWERS:
            await commits.wait(LOOK_SECONDS)
    await line.db.write(made, utc_now())


async def token_of(line: DemoLine, extension: str) -> str:
    """A token of the agent with this extension."""

    def made(db: Connection) -> str:
        account = accounts.get(db, _account(extension))
        _, secret = tokens.create(db, ACTOR, SCOPES, utc_now(), account_id=account.id, actor=ACTOR)
        return secret

    return await line.db.write(made)


def _account(extension: str) -> str:
    return f"agent{extension}"
