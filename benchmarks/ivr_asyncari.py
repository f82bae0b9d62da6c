"""The IVR on asyncari, as the kind of state machine that it offers; started by calls.py."""

import asyncio
from typing import Any

import asyncari
from asyncari.state import DTMFHandler, ToplevelChannelState
from call_load.worker import briefing, ready, until_stopped


async def main(told: dict[str, Any]) -> None:
    class Ivr(ToplevelChannelState, DTMFHandler):  # type: ignore[misc]
        served = False

        async def on_start(self) -> None:
            await self.channel.answer()
            await self.channel.play(media=told["first"])

        async def on_dtmf_5(self, _event: object) -> None:
            self.served = True
            await self.channel.play(media=told["second"])

        async def on_PlaybackFinished(self, _event: object) -> None:  # noqa: N802 - its name
            if self.served:
                await self.channel.hangup()

    async def serve(client: Any, starts: Any) -> None:
        async for objects, _event in starts:
            client.taskgroup.start_soon(Ivr(objects["channel"]).start_task)

    base = told["ari"].removesuffix("ari")
    connection = asyncari.connect(base, told["application"], told["username"], told["password"])
    async with connection as client, client.on_channel_event("StasisStart") as starts:
        client.taskgroup.start_soon(serve, client, starts)
        ready()
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main(briefing()))
