"""A real browser, told what to do over the Chrome DevTools Protocol."""

import asyncio
import base64
import resource
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

BINARY = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 30
# Tests have a bound on memory; a browser reserves more address space than that.
WITHOUT_BOUND = ("sh", "-c", 'ulimit -S -v unlimited; exec "$@"', "sh")


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it becomes."""
        answer = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Return as soon as the page has become such that `condition` holds."""
        await self.evaluate(
            f"""new Promise((resolve) => {{
                const look = () => {{ if ({condition}) {{ watch.disconnect(); resolve(true); }} }};
                const watch = new MutationObserver(look);
                watch.observe(document, {{subtree: true, childList: true, characterData: true}});
                look();
            }})"""
        )

    async def text(self, selector: str = "body") -> str:
        """What a reader sees of an element."""
        return str(await self.evaluate(f"document.querySelector({selector!r}).innerText"))

    async def screenshot(self, path: Path) -> None:
        """Keep a picture of the page."""
        answer = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    async def send(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": parameters})
        async with asyncio.timeout(SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == self._last:
                    assert "error" not in message, message
                    return message["result"]


@asynccontextmanager
async def open_tab(url: str, home: Path) -> AsyncIterator[Tab]:
    """The page at `url`, loaded. The browser keeps its files in `home`, and ends with the block."""
    if BINARY is None:
        pytest.skip("Chromium is not installed")
    if resource.getrlimit(resource.RLIMIT_AS)[1] != resource.RLIM_INFINITY:
        pytest.skip("a hard bound on address space (ulimit -v) keeps Chromium from starting")
    browser = await asyncio.create_subprocess_exec(
        *WITHOUT_BOUND,
        BINARY,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=1000,1100",
        "--remote-debugging-port=0",
        f"--user-data-dir={home}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    draining: asyncio.Task[Any] | None = None
    try:
        assert browser.stderr is not None
        async with asyncio.timeout(SECONDS):
            async for line in browser.stderr:
                if line.startswith(b"DevTools listening on ws://"):
                    break
            else:
                pytest.fail("Chromium ended before it listened")
        draining = asyncio.create_task(browser.stderr.read(), name="chromium-stderr")
        host = line.decode().split("ws://")[1].split("/")[0]
        async with (
            aiohttp.ClientSession() as http,
            http.put(f"http://{host}/json/new?about:blank") as made,
        ):
            address = (await made.json())["webSocketDebuggerUrl"]
            async with http.ws_connect(address, max_msg_size=0) as socket:
                tab = Tab(socket)
                await tab.send("Page.enable")
                await tab.send("Page.navigate", url=url)
                await tab.until(
                    "document.readyState === 'complete' && location.href !== 'about:blank'"
                )
                yield tab
    finally:
        if browser.returncode is None:
            browser.terminate()
        await browser.wait()
        if draining is not None:
            await draining
