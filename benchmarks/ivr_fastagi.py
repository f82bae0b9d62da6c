"""The IVR as a FastAGI script on panoramisk's server; started by calls.py.

GET DATA plays and takes the key in one command: the fewest that the IVR needs.
"""

import asyncio
from typing import Any

from call_load.worker import briefing, ready, until_stopped
from panoramisk.fast_agi import Application, Request


async def main(told: dict[str, Any]) -> None:
    first, second = (told[name].removeprefix("sound:") for name in ("first", "second"))

    async def ivr(request: Request) -> None:
        await request.send_command("ANSWER")
        key = await request.send_command(f"GET DATA {first} 5000 1")
        if key["result"][0] == "5":
            await request.send_command(f'STREAM FILE {second} ""')
        await request.send_command("HANGUP")

    application = Application(loop=asyncio.get_running_loop())
    application.add_route("ivr", ivr)
    server = await asyncio.start_server(
        application.handler, "127.0.0.1", told["fastagi_port"], backlog=1000
    )
    async with server:
        ready()
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main(briefing()))
