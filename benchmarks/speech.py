"""How many parties one machine hears at once, how soon their words are seen, and at what cost.

    python benchmarks/speech.py [--json] [--quick] [--only cost ramp full recordings]

Parties speak sentences of synthetic Mandarin in real time over websockets, as Asterisk's media
channels bring them. `cost`: the live pool against a bare loop (websocket reader and Vosk, a
partial asked for every 20 ms), alternating. `ramp`: more and more parties until the last word of
a sentence is seen too late. `full`: forty calls on an engine slowed to a large model's cost.
`recordings`: the transcriber against a bare Vosk loop. See docs/benchmarks.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from speech_load.figures import LATE_MS, Round, goals, percentile, ratio, together
from speech_load.sound import party, sentences

HERE = Path(__file__).parent
SENTENCES = 30
STEPS = (10, 20, 30, 40, 50, 60, 80, 100, 120, 140, 160, 200)
PARTS = ("cost", "ramp", "full", "recordings")
CHILD_SECONDS = 1800
Report = Callable[[str], None]


def child(module: str, *arguments: object) -> dict[str, Any]:
    """What a part prints that runs in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"speech_load.{module}", *map(str, arguments)],
        cwd=HERE,
        env=_environment(),
        check=True,
        capture_output=True,
        text=True,
        timeout=CHILD_SECONDS,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}


@contextmanager
def source(folder: Path, seconds: float) -> Iterator[str]:
    """The address of the parties, each `seconds` long."""
    command = [sys.executable, "-m", "speech_load.source", folder, SENTENCES, seconds]
    with subprocess.Popen(
        list(map(str, command)),
        cwd=HERE,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/media"
        finally:
            process.stdin.close()
            process.terminate()


def listen(kind: str, url: str, folder: Path, streams: int, seconds: float, threads: int) -> Round:
    said = sentences(folder, SENTENCES)
    spans = [party(number, said, seconds).spans for number in range(streams)]
    return Round.of(child("ears", kind, url, streams, threads), spans)


def cost(options: argparse.Namespace, folder: Path, report: Report) -> dict[str, Any]:
    ours, bare = [], []
    with source(folder, options.seconds) as url:
        for number in range(options.rounds):
            for kind, rounds in (("bare", bare), ("pool", ours)):
                report(f"cost: {kind}, round {number + 1} of {options.rounds}")
                rounds.append(
                    listen(kind, url, folder, options.streams, options.seconds, options.threads)
                )
    found = {"pool": together(ours), "bare": together(bare), "streams": options.streams}
    return {**found, "ratio": round(ratio(ours, bare), 3)}


def ramp(options: argparse.Namespace, folder: Path, report: Report) -> dict[str, Any]:
    steps = []
    with source(folder, options.seconds) as url:
        for streams in STEPS:
            report(f"ramp: {streams} parties")
            found = listen("pool", url, folder, streams, options.seconds, options.threads)
            if not found.keeps_up:  # a neighbour's moment must not decide
                report(f"ramp: {streams} parties once more")
                found = listen("pool", url, folder, streams, options.seconds, options.threads)
            late = round(percentile(found.late, 0.95)) if found.late else None
            steps.append({"streams": streams, "last_word_ms_p95": late, **_step(found)})
            if not found.keeps_up:
                break
    kept = [step["streams"] for step in steps if step["keeps_up"]]
    return {"most": max(kept, default=0), "limit_reached": len(kept) < len(steps), "steps": steps}


def _step(found: Round) -> dict[str, Any]:
    return {
        "cpu_ms_per_second": round(found.cpu_ms, 2),
        "incomplete": found.incomplete,
        "keeps_up": found.keeps_up,
    }


def full(options: argparse.Namespace, folder: Path, report: Report) -> dict[str, Any]:
    report(f"full: {options.calls} calls at real-time factor {options.factor:g}")
    seconds = 4 if options.quick else 10
    return child("full", folder, options.calls, seconds, options.factor, options.threads)


def recordings(options: argparse.Namespace, folder: Path, report: Report) -> dict[str, Any]:
    report("recordings")
    sentences(folder, SENTENCES)
    found = child("recordings", folder, options.rounds * 3)
    ours, bare = (found["seconds"] / min(found[name]) for name in ("ours", "bare"))
    return {
        "times_real_time": {"ours": round(ours, 1), "bare": round(bare, 1)},
        "ratio": round(ours / bare, 3),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    work = {"cost": cost, "ramp": ramp, "full": full, "recordings": recordings}
    results: dict[str, Any] = {}
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("speaking", total=len(options.only))
        for name in options.only:
            place = Path(folder, name)
            place.mkdir()
            results[name] = work[name](
                options, place, lambda what: bar.update(task, description=what)
            )
            bar.advance(task)
    return results


def table(results: dict[str, Any]) -> Iterator[str]:
    if found := results.get("cost"):
        yield f"{found['streams']} parties{'CPU ms/s':>12}{'last word p50/p95 ms':>24}{'missed':>8}"
        for name in ("bare", "pool"):
            row = found[name]
            seen = f"{row['last_word_ms_p50']}/{row['last_word_ms_p95']}"
            yield f"{name:10}{row['cpu_ms_per_second']:>12.2f}{seen:>24}{row['missed']:>8}"
    if found := results.get("ramp"):
        for step in found["steps"]:
            yield (
                f"{step['streams']:>4} parties: last word p95 {step['last_word_ms_p95']} ms, "
                f"CPU {step['cpu_ms_per_second']} ms/s, gave up {step['incomplete']}"
            )
        more = "" if found["limit_reached"] else " or more"
        yield f"most parties with p95 ≤ {LATE_MS:g} ms: {found['most']}{more}"
    if found := results.get("full"):
        yield (
            f"cost {found['cost']:.3f}: {found['live']} live, {found['gave_up']} gave up, "
            f"{found['afterwards']} of {found['refused']} afterwards, "
            f"{found['differences']} of {found['characters']} characters differ"
        )
        for name in ("loop_late_ms_p50", "loop_late_ms_p99"):
            yield f"{name} without and with recognition: {found[name][0]} / {found[name][1]}"
    if found := results.get("recordings"):
        times = found["times_real_time"]
        yield f"recordings, × real time per core: {times['ours']}, bare loop {times['bare']}"
    yield from goals(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="two minutes, without the ramp")
    parser.add_argument("--streams", type=int, default=10, help="parties whose cost is measured")
    parser.add_argument("--seconds", type=float, default=20, help="that each party speaks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--calls", type=int, default=40, help="calls at once on the slow engine")
    parser.add_argument("--factor", type=float, default=0.3, help="its CPU per second of speech")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=None)
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = min(options.seconds, 10), min(options.rounds, 2)
    options.only = options.only or [name for name in PARTS if name != "ramp" or not options.quick]
    results = measure(options)
    if options.json:
        print(json.dumps({"results": results}))
        return
    for line in table(results):
        print(line)


if __name__ == "__main__":
    main()
