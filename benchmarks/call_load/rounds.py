"""The order of the measurements: contenders alternate, so that all meet the same machine."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from . import caller, config, pbx
from .capture import calls_of, captured
from .figures import Climb, Load, Score
from .pbx import NUMBERS, Bench
from .worker import cpu_seconds, worker

STEP_SECONDS = 4.0
SETTLE_SECONDS = 0.5
"""After the last BYE: what a contender still writes belongs to the call."""
QUIET_SECONDS = 10.0
WARM_UP_CALLS = 10
NO_PROCESS = "dialplan"
Tell = Callable[[str], None]


@dataclass
class Field:
    """The contenders, ready to serve. `pids`: their processes; the dialplan has none."""

    bench: Bench
    folder: Path
    pids: Mapping[str, int]
    _numbers: "count[int]"

    async def load(self, name: str, rate: int, seconds: float, *, media: bool) -> Load:
        """`rate` calls a second for `seconds`; `media`: also capture RTP, for the key's latency."""
        run = self.folder / f"run{next(self._numbers)}-{name}-{rate}"
        run.mkdir()
        asterisk, sip_port = self.bench.server.pid, self.bench.server.pbx.sip.port
        assert asterisk is not None
        calls = max(1, round(rate * seconds))
        packets = f"udp and host {self.bench.caller}"
        if not media:
            packets += f" and port {sip_port}"
        before = self._cpu(name), cpu_seconds(asterisk)
        async with captured(run / "calls.pcap", packets):
            counted = await caller.place(
                run / "sipp",
                source=self.bench.caller,
                target=self.bench.target,
                dialled=NUMBERS[name],
                rate=rate,
                calls=calls,
            )
            await self.quiet()
            await asyncio.sleep(SETTLE_SECONDS)
        after = self._cpu(name), cpu_seconds(asterisk)
        capture = run / "calls.pcap"
        times = await asyncio.to_thread(calls_of, capture.read_bytes(), sip_port)
        capture.unlink()
        return Load(rate, calls, counted.failed, times, after[0] - before[0], after[1] - before[1])

    async def quiet(self) -> None:
        """Wait until no call is left: the next contender shall not pay for this one's. A call that
        its contender forgot (its caller has counted it as failed) is hung up."""
        cli = self.bench.server.cli
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while not (await cli("core show channels count")).startswith("0 "):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await cli("channel request hangup all")

    def _cpu(self, name: str) -> float:
        return cpu_seconds(self.pids[name]) if name in self.pids else 0.0


@asynccontextmanager
async def field(names: Sequence[str]) -> AsyncIterator[Field]:
    """Asterisk and the processes of the contenders, for the length of the block."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calls-")))
        bench = await pbx.start(folder)
        stack.push_async_callback(bench.server.stop)
        config.write(bench)
        pids = {
            name: await stack.enter_async_context(
                worker(name, bench.briefing(name), folder / f"{name}.log")
            )
            for name in names
            if name != NO_PROCESS
        }
        yield Field(bench, folder, pids, count(1))


async def fixed_rate(
    on: Field, scores: Sequence[Score], rate: int, seconds: float, rounds: int, tell: Tell
) -> None:
    """CPU and latency: every contender in every round."""
    for score in scores:
        await on.load(score.name, WARM_UP_CALLS, 1, media=False)
    for number in range(1, rounds + 1):
        for score in scores:
            load = await on.load(score.name, rate, seconds, media=True)
            score.loads.append(load)
            tell(
                f"round {number}: {score.name:9} {load.wanted} calls, "
                f"{load.unserved(heard=True)} failed, {load.cpu_text()}"
            )


async def highest_rates(on: Field, scores: Sequence[Score], tell: Tell) -> None:
    """How far each can go: one try each, again and again, until all limits are known. A rate that
    fails is tried once more, for a hiccup of the machine is not the contender's."""
    climbs = [(score.name, Climb()) for score in scores]
    for score, (_, climb) in zip(scores, climbs, strict=True):
        score.climb = climb
    while any(climb.next() for _, climb in climbs):
        for name, climb in climbs:
            rate = climb.next()
            if rate is None:
                continue
            for _attempt in ("first", "second"):
                load = await on.load(name, rate, STEP_SECONDS, media=False)
                fault = load.fault()
                tell(f"{rate:4} calls/s: {name:9} {load.cpu_text()}, {fault or 'clean'}")
                if not fault:
                    break
            climb.note(rate, fault)
