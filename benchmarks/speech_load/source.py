"""A stand-in for Asterisk's media websockets, in a process of its own: real time, 20 ms frames.

    python -m speech_load.source FOLDER SENTENCES SECONDS

Prints its port; `/media/N` is what party N says. Ends when its standard input does.
"""

import asyncio
import sys
import time
from pathlib import Path

from aiohttp import web

from speech_load.sound import FRAME_BYTES, FRAME_SECONDS, Sentence, party, sentences

START = '{"event":"MEDIA_START","format":"slin","optimal_frame_size":320,"ptime":20}'


def application(said: list[Sentence], seconds: float) -> web.Application:
    async def play(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("media",), compress=False)
        await socket.prepare(request)
        await socket.send_str(START)
        pcm = party(int(request.match_info["number"]), said, seconds).pcm
        began = time.monotonic()
        for frame, at in enumerate(range(0, len(pcm), FRAME_BYTES), 1):
            wait = began + frame * FRAME_SECONDS - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            await socket.send_bytes(pcm[at : at + FRAME_BYTES])
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/media/{number}", play)
    return app


async def main(folder: Path, most: int, seconds: float) -> None:
    runner = web.AppRunner(application(sentences(folder, most), seconds), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
