"""A command beside the running line reads what the line has written, and loses nothing of it."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from desk import timeline
from desk.db.engine import Database

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
LOOK = """
import asyncio, sys
from desk import timeline
from desk.db.engine import Database

async def look():
    async with await Database.open(sys.argv[1]) as db:
        print(await db.read(timeline.last_seq))

asyncio.run(look())
"""


async def _seen_by_another_process(url: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LOOK,
        url,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return int(output)


async def test_command_that_opens_and_closes_leaves_the_running_line_its_log(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'huisheng.db'}"
    async with await Database.open(url) as db:
        for expected in (1, 2, 3):
            await db.write(lambda c: timeline.append(c, kind="test", body={}, now=NOW))
            assert await _seen_by_another_process(url) == expected
    assert await _seen_by_another_process(url) == 3
