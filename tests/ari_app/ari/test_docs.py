"""The program in docs/ari-client.md runs as it is printed."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from ari_app.ari import Client, StasisEnd, StasisStart
from asterisk_conf.render import ARI_USER
from asterisk_conf.server import AsteriskServer
from tests.rig.asterisk import LINE_NUMBER

PAGE = Path(__file__).parents[3] / "docs" / "ari-client.md"


def program() -> str:
    """The page's one Python block."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


@pytest.mark.asterisk
async def test_a_reader_who_copies_the_program_gets_a_line_that_answers(
    asterisk: AsteriskServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARI_URL", asterisk.ari_url)
    monkeypatch.setenv("ARI_USER", ARI_USER)
    monkeypatch.setenv("ARI_PASSWORD", asterisk.secrets.ari)
    monkeypatch.setenv("ARI_APPLICATION", asterisk.pbx.application)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(program(), str(PAGE), "exec"), names)  # noqa: S102
    async with Client(
        url=asterisk.ari_url,
        username=ARI_USER,
        password=asterisk.secrets.ari,
        application="callers",
    ) as callers:
        line = asyncio.create_task(names["main"](), name="the page's program")
        try:
            await _registered(callers, asterisk.pbx.application)
            leg = "c-the-reader-calls"
            with callers.listen(StasisStart, StasisEnd, channels=[leg]) as events:
                caller = await callers.channels.originate(
                    f"Local/{LINE_NUMBER}@from-trunk/n", channel_id=leg
                )
                assert isinstance(await events.get(5), StasisStart), "it answered"
                await caller.send_dtmf("5")
                assert isinstance(await events.get(5), StasisEnd), "it heard the key and hung up"
        finally:
            line.cancel()
            await asyncio.wait({line})


async def _registered(ari: Client, application: str) -> None:
    async with asyncio.timeout(5):
        while application not in [held.name for held in await ari.applications.list()]:
            pass
