"""Two processes follow one desk, and one of them dies: each close is asked about once."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from desk.chores import catch_up
from desk.db.engine import Database
from desk.surveys import survey_chores
from tests.desk.lifecycle.cases import LATER
from tests.desk.surveys.policies import POLICY, closed

ROOT = Path(__file__).resolve().parents[3]
CLOSES = 40
KEEPS = """
import asyncio, sys
from desk.chores import keep
from desk.db.engine import Database
from desk.surveys import survey_chores
from tests.desk.lifecycle.cases import LATER
from tests.desk.surveys.policies import POLICY

async def main():
    async with await Database.open(sys.argv[1]) as db:
        print("ready", flush=True)
        await keep(db, survey_chores(POLICY), lambda: LATER, most_seconds=0.5)

asyncio.run(main())
"""


async def keeper(url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KEEPS, url, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    return process


def asked(db: Connection) -> list[tuple[int, int, int]]:
    """Of each ticket: how many surveys, links and messages."""
    query = """
        SELECT t.id,
            (SELECT count(*) FROM surveys s WHERE s.ticket_id = t.id),
            (SELECT count(*) FROM links l WHERE l.ticket_id = t.id),
            (SELECT count(*) FROM messages m WHERE m.ticket_id = t.id)
        FROM tickets t ORDER BY t.id
    """
    return [(one, two, three) for _, one, two, three in db.execute(text(query))]


@pytest.mark.slow
@pytest.mark.postgres
async def test_each_close_is_asked_about_once_by_two_processes_one_of_which_is_killed(
    db: Database, database_url: str
) -> None:
    await catch_up(db, survey_chores(POLICY), lambda: LATER)  # they begin at the present end
    processes = [await keeper(database_url), await keeper(database_url)]
    try:
        for number in range(CLOSES):
            await db.write(closed, f"c{number}", f"1382022{number:04d}")
            if number == CLOSES // 2:
                os.kill(processes[0].pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            with db.subscribe() as commits:
                while sum(surveys for surveys, _, _ in await db.read(asked)) < CLOSES:
                    await commits.wait(0.2)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
    await catch_up(db, survey_chores(POLICY), lambda: LATER)
    assert await db.read(asked) == [(1, 1, 1)] * CLOSES
