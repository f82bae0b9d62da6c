"""The table of docs/reliability.md, out of the rounds that were played."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.cast import ARRIVING, GONE, LEAVING, STAGES
from tests.chaos.faults import FAULTS

DOCS = Path(__file__).parents[2] / "docs"
ROUNDS, PAGE = DOCS / "reliability.json", DOCS / "reliability.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MOST_GAP_MS = 40
SHORT = ("kill", "freeze", "recogniser", "webhook")
WAIT = ("menu", "announcement", "queue", "ringing")
LOST, DOUBLED, CUT = "LOST", "DOUBLED", "CUT"
ROWS = (*STAGES, GONE, LEAVING, ARRIVING)

Played = Mapping[str, Any]
"""A round as it is kept: seed, fault, commit, at, seconds, callers (stage, reached, problems),
problems of the round, flows (who, packets, longest gap sent and heard in ms)."""


def read(path: Path = ROUNDS) -> list[Played]:
    """The rounds kept so far."""
    try:
        played: list[Played] = json.loads(path.read_text(encoding="utf-8"))["rounds"]
    except FileNotFoundError:
        return []
    return played


def keep(played: Sequence[Played], path: Path = ROUNDS) -> None:
    """One line a round."""
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in played)
    path.write_text(f'{{"rounds": [\n{lines}\n]}}\n', encoding="utf-8")


def render(played: Sequence[Played]) -> str:
    """What was measured, as Markdown."""
    if not played:
        return "Nothing was measured yet.\n"
    return "\n".join([*_summary(played), "", *_table(played), "", *_findings(played), ""])


def write(played: Sequence[Played], page: Path = PAGE) -> None:
    """Put the table into the page, between its two marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{render(played)}{END}{after}", encoding="utf-8")


def _samples(played: Iterable[Played]) -> list[tuple[str, str, list[str]]]:
    """(stage, fault, problems) of every caller who was where he should be."""
    return [
        (caller["stage"], one["fault"], caller["problems"])
        for one in played
        for caller in one["callers"]
        if caller["reached"]
    ]


def _summary(played: Sequence[Played]) -> list[str]:
    samples = _samples(played)
    commits = list(dict.fromkeys(one["commit"] for one in played))
    first, last = played[0]["at"], played[-1]["at"]
    flows = [each for one in played for each in one["flows"]]
    rounds = sum(bool(one["problems"]) for one in played)
    counted = (
        f"{len(played)} rounds, {len(samples)} calls in a known stage, {first} to {last} (UTC), "
        f"commits {', '.join(commits)}."
    )
    amiss = (
        f"Lost {_count(samples, LOST)}, doubled {_count(samples, DOUBLED)}, "
        f"cut off {_count(samples, CUT)}, with anything else amiss {_others(samples)}; "
        f"rounds with a finding of their own: {rounds}."
    )
    short = [one for one in played if one["fault"] in SHORT]
    waited = [c for one in short for c in one["callers"] if c["stage"] in WAIT and "alone" in c]
    alone = sum(c["alone"] for c in waited)
    leases = (
        f"Faults over within about one lease ({', '.join(SHORT)}): of {len(waited)} callers "
        f"in {', '.join(WAIT)}, {alone} were with the dialplan before it was mended."
    )
    return [
        counted,
        "",
        amiss,
        *(["", leases] if waited else []),
        *(["", _sound(flows)] if flows else []),
    ]


def _sound(flows: Sequence[Mapping[str, Any]]) -> str:
    longest = sorted(each["heard_gap_ms"] for each in flows)
    fair = [each for each in flows if each.get("before_gap_ms", MOST_GAP_MS) < MOST_GAP_MS]
    even = [each for each in fair if each["sent_gap_ms"] <= MOST_GAP_MS]
    return (
        f"Sound of {len(flows) // 2} talks during a fault of ours: "
        f"{sum(each['packets'] for each in flows)} packets, "
        f"{sum(each['jumps'] for each in flows)} jumps of the sequence number, right tone in "
        f"{min(each['tone'] for each in flows):.1%} of the packets or more. Longest gap of a "
        f"direction: median {longest[len(longest) // 2]:.0f} ms, worst {longest[-1]:.0f} ms. In "
        f"{len(even)} of {len(flows)} directions the machine was quiet enough to judge (no gap "
        f"over {MOST_GAP_MS} ms in the five seconds before the fault, nor where it was sent); of "
        f"these {sum(each['heard_gap_ms'] > MOST_GAP_MS for each in even)} had a gap over "
        f"{MOST_GAP_MS} ms, the longest {max((e['heard_gap_ms'] for e in even), default=0):.0f} ms."
    )


def _table(played: Sequence[Played]) -> list[str]:
    samples = _samples(played)
    faults = [name for name in FAULTS if any(fault == name for _, fault, _ in samples)]
    lines = [
        "Samples, and where there are any `lost/doubled/cut/other`:",
        "",
        f"| stage | {' | '.join(faults)} | all |",
        f"|---|{'---:|' * (len(faults) + 1)}",
    ]
    for stage in ROWS:
        of_stage = [sample for sample in samples if sample[0] == stage]
        if not of_stage:
            continue
        cells = [_cell([s for s in of_stage if s[1] == fault]) for fault in faults]
        lines.append(f"| {stage} | {' | '.join(cells)} | **{_cell(of_stage)}** |")
    columns = [_cell([s for s in samples if s[1] == fault]) for fault in faults]
    lines.append(f"| all | {' | '.join(columns)} | **{_cell(samples)}** |")
    return lines


def _cell(samples: Sequence[tuple[str, str, list[str]]]) -> str:
    if not samples:
        return ""
    kinds = [_count(samples, kind) for kind in (LOST, DOUBLED, CUT)] + [_others(samples)]
    amiss = f" ({'/'.join(map(str, kinds))})" if any(kinds) else ""
    return f"{len(samples)}{amiss}"


def _count(samples: Sequence[tuple[str, str, list[str]]], kind: str) -> int:
    return sum(any(text.startswith(kind) for text in problems) for _, _, problems in samples)


def _others(samples: Sequence[tuple[str, str, list[str]]]) -> int:
    known = (LOST, DOUBLED, CUT)
    return sum(any(not text.startswith(known) for text in problems) for _, _, problems in samples)


def _findings(played: Sequence[Played]) -> list[str]:
    found = Counter(
        (one["seed"], one["fault"], text)
        for one in played
        for text in [
            *one["problems"],
            *(f"{c['stage']}: {text}" for c in one["callers"] for text in c["problems"]),
        ]
    )
    if not found:
        return ["No finding."]
    return ["Findings:", ""] + [
        f"- `{seed}` ({fault}) {text[:300]}" for seed, fault, text in dict.fromkeys(found)
    ]
