"""Callers keep coming, each talks with an agent and is heard live: nothing fails, nothing grows,
nobody waits longer in the end than at the beginning.

`HUISHENG_SOAK_SECONDS` (default 70; the whole soak: 900) and `HUISHENG_SOAK_RATE` (new calls a
second, default 1).
"""

import asyncio
import os
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from ari_app.sip_caller import (
    AgentPlan,
    CallPlan,
    CallResult,
    ExpectBye,
    HangUp,
    Press,
    Wait,
    agent_phone,
    place_calls,
)
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from desk import journal, recordings, utterances
from desk.db.engine import Database
from tests.e2e.dialogue import AGENT, CALLER, Turn, steps_of
from tests.e2e.line_rig import LONGER, PROMPT_BEFORE_TONE, SHORT
from tests.rig.own_line import OwnLine, running
from tests.rig.ports import free_port
from tests.soak.watch import Sizes, Waits, looking, waits_of

SECONDS = float(os.environ.get("HUISHENG_SOAK_SECONDS", "70"))
RATE = float(os.environ.get("HUISHENG_SOAK_RATE", "1"))
pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.slow,
    pytest.mark.soak,
    pytest.mark.alone,
    pytest.mark.timeout(3 * SECONDS + 240),
]

TURNS = [  # a talk of 12 s
    Turn(AGENT, "您好请问有什么可以帮您"),
    Turn(CALLER, "我要投诉产品质量太差了"),
    Turn(AGENT, "好的已经为您登记了"),
]
CALL_SECONDS = 18.0  # with menu, queue and the agent's wrap-up
REACHED_SECONDS = 2.2  # from the key to the agent's answer
SETTLE_SECONDS = 60.0 + 2 * SECONDS  # what a full machine did not hear live is heard afterwards
WARM_UP = 1 / 3  # of the time, after which nothing may grow any more
MOST_MEMORY_GROWTH = 12 << 20
MOST_ASTERISK_GROWTH = 40 << 20
MOST_SLOWER = 2.0
WORTH_NOTICING_SECONDS = 0.3  # a wait that doubles below this is a busy machine, no news


@dataclass(frozen=True)
class Soaked:
    """What the soak has seen."""

    results: tuple[CallResult, ...]
    ours: Sizes
    asterisk: Sizes
    waits: Waits
    line: OwnLine
    log: str


def change(config: dict[str, Any]) -> None:
    """Short prompts, open at any hour, and as many agents as talk at a time, on one telephone."""
    port = free_port()
    for name in config["ivr"]["prompts"]:
        config["ivr"]["prompts"][name] = LONGER if name in PROMPT_BEFORE_TONE else SHORT
    config["ivr"]["entry"] = [{"menu": "main"}]
    for menu in ("tianjin", "closed"):
        del config["ivr"]["menus"][menu]
    config["pbx"]["agents"] = [
        {
            "extension": str(7000 + number),
            "name": f"坐席{number}",
            "team": "national",
            "contact": f"sip:{7000 + number}@127.0.0.1:{port}",
        }
        for number in range(round(RATE * CALL_SECONDS * 1.5) + 2)
    ]
    for menu in config["ivr"]["menus"].values():
        if "0" in menu["keys"]:
            menu["keys"]["0"]["person"] = "national"
    config["queue"] |= {"wrap_up_seconds": 1}
    config["bridge"] |= {"targets": [], "demo_crm_port": 0}


@pytest.fixture(scope="module")
def soaked(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Soaked]:
    line = OwnLine.in_folder(tmp_path_factory.mktemp("soak"))
    line.change(change)
    with running(line) as process:
        results, ours, asterisk, waits = asyncio.run(_soak(line, process.process.pid))
        yield Soaked(results, ours, asterisk, waits, line, process.log)


async def _soak(line: OwnLine, pid: int) -> tuple[tuple[CallResult, ...], Sizes, Sizes, Waits]:
    pbx = line.settings.pbx
    ours = Sizes(psutil.Process(pid))
    asterisk = Sizes(psutil.Process(int(line.paths.pid_file.read_text())))
    port = int(str(pbx.agents[0].contact).rpartition(":")[2])
    agent = AgentPlan(rings=0.2, steps=(*steps_of(TURNS, AGENT), ExpectBye(30)))
    caller = (Wait(0.6), Press("0"), Wait(REACHED_SECONDS), *steps_of(TURNS, CALLER), HangUp())
    calls = round(SECONDS * RATE)
    plans = [CallPlan(f"0106{n:07d}", pbx.line_numbers[0], caller) for n in range(1, calls + 1)]
    password = secrets.load(line.state, pbx).ari
    async with (
        agent_phone(port, agent),
        waits_of(f"http://127.0.0.1:{pbx.http_port}/ari", password) as waits,
        looking(ours, asterisk),
    ):
        # Without `at_once` SIPp allows three calls at a time for each new one in a second.
        target = f"127.0.0.1:{pbx.sip.port}"
        results = await place_calls(plans, target, rate=RATE, at_once=calls)
    await _settled(line)
    ours.look()
    asterisk.look()
    return results, ours, asterisk, waits


async def _settled(line: OwnLine) -> None:
    """Until every call is wrapped up and its last recording is heard."""
    async with (
        await Database.open(line.settings.database_url) as db,
        asyncio.timeout(SETTLE_SECONDS),
    ):
        with db.subscribe() as commits:
            while await db.read(journal.unfinished) or await db.read(
                recordings.untranscribed, limit=1
            ):
                await commits.wait(0.2)


def test_no_call_fails(soaked: Soaked) -> None:
    assert Counter(result.status for result in soaked.results) == {200: len(soaked.results)}
    assert Counter(result.ended_by for result in soaked.results) == {"us": len(soaked.results)}


async def test_every_caller_talked_and_was_heard(soaked: Soaked) -> None:
    async with await Database.open(soaked.line.settings.database_url) as db:
        live = silent = 0
        for result in soaked.results:
            (call,) = await db.read(journal.search, e164=f"+86{str(result.plan.caller)[1:]}")
            assert (call.stage, call.cause) == ("talk", "hangup")
            assert call.ticket_id is not None
            said = await db.read(utterances.transcript, call.id)
            live += all(one.live for one in said)
            silent += {one.party.partition(":")[0] for one in said} != {"caller", "agent"}
    _tell(f"{len(soaked.results)} calls, {live} heard live, {silent} with a silent party")
    assert silent == 0


def test_nothing_went_wrong_unseen(soaked: Soaked) -> None:
    wrong = [line for line in soaked.log.splitlines() if '"level": "error"' in line]
    assert wrong == []


@pytest.mark.parametrize("who", ["ours", "asterisk"])
def test_memory_files_and_threads_are_flat(soaked: Soaked, who: str) -> None:
    sizes: Sizes = getattr(soaked, who)
    samples = sizes.samples
    warm = samples[round(len(samples) * WARM_UP) : -1]
    half = len(warm) // 2
    before, after = warm[:half], warm[half:]
    growth = _median(s.memory for s in after) - _median(s.memory for s in before)
    _tell(
        f"{who}: {sizes.cores():.2f} cores, memory {samples[0].memory >> 20} → "
        f"{_median(s.memory for s in before) / 2**20:.1f} → "
        f"{_median(s.memory for s in after) / 2**20:.1f} MiB, "
        f"files {samples[0].files} → {max(s.files for s in warm)} → {samples[-1].files}, "
        f"threads {samples[0].threads} → {max(s.threads for s in warm)} → {samples[-1].threads}"
    )
    assert growth < (MOST_MEMORY_GROWTH if who == "ours" else MOST_ASTERISK_GROWTH)
    assert max(s.files for s in after) <= 1.2 * max(s.files for s in before) + 5
    assert max(s.threads for s in after) <= 1.2 * max(s.threads for s in before) + 5


def test_nobody_waits_longer_in_the_end(soaked: Soaked) -> None:
    waits = {
        "INVITE to answer": [r.answer_seconds for r in soaked.results if r.answer_seconds],
        "key to prompt": soaked.waits.prompt,
        "agent's answer to talk": soaked.waits.talk,
    }
    for name, seconds in waits.items():
        first, last = _halves(seconds)
        _tell(
            f"{name}: median {_ms(statistics.median(first))} → {_ms(statistics.median(last))}, "
            f"p95 {_ms(_p95(first))} → {_ms(_p95(last))}, {len(seconds)} times"
        )
        assert len(seconds) >= len(soaked.results)
        most = max(WORTH_NOTICING_SECONDS, MOST_SLOWER * statistics.median(first))
        assert statistics.median(last) < most, name


def _halves(seconds: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    warm = seconds[round(len(seconds) * WARM_UP) :]
    return warm[: len(warm) // 2], warm[len(warm) // 2 :]


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def _median(values: Iterator[int]) -> float:
    return statistics.median(values)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _tell(what: str) -> None:
    """Figures, for `pytest -s` and for who looks at a failure."""
    print(what)  # noqa: T201
