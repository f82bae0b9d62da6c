"""The bare IVR on this project's ARI client, with the ARI commands of the application: answer,
play, play, hang up. Started by calls.py."""

import asyncio
import contextlib
from typing import Any

import uvloop
from call_load.worker import briefing, ready, until_stopped

from ari_app.ari import AriError, ChannelDtmfReceived, ChannelGone, Client, StasisStart

PATIENCE_SECONDS = 10.0


async def ivr(ari: Client, start: StasisStart, first: str, second: str) -> None:
    channel = ari.channel(start.channel.id)
    with contextlib.suppress(ChannelGone), channel.listen(ChannelDtmfReceived) as keys:
        await channel.answer()
        prompt = await channel.play(first)
        key = await keys.get(PATIENCE_SECONDS)
        if key is not None and key.digit == "5":
            if not prompt.is_over:
                await prompt.stop(wait=False)
            prompt = await channel.play(second)
            await prompt.finished(PATIENCE_SECONDS)
        await channel.hangup()


async def main(told: dict[str, Any]) -> None:
    client = Client(
        url=told["ari"],
        username=told["username"],
        password=told["password"],
        application=told["application"],
    )
    async with client as ari, asyncio.TaskGroup() as calls:
        serving = calls.create_task(serve(ari, calls, told), name="arrivals")
        ready()
        await until_stopped()
        serving.cancel()


async def serve(ari: Client, calls: asyncio.TaskGroup, told: dict[str, Any]) -> None:
    async def one(start: StasisStart) -> None:
        try:
            await ivr(ari, start, told["first"], told["second"])
        except AriError as error:
            print(f"{start.channel.id}: {error}")

    async for start in ari.arrivals():
        calls.create_task(one(start), name=f"call {start.channel.id}")


if __name__ == "__main__":
    uvloop.run(main(briefing()))
