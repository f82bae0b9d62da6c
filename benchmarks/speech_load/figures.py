"""When words were seen, and what that means for the goals."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NEAR_SECONDS = 0.6
"""An utterance ends a sentence if its last word does not end further from where the sound does."""

LATE_MS = 500.0
SEEN_MS = 300.0
MOST_COST = 1.15
LEAST_THROUGHPUT = 0.95

Shown = Sequence[Sequence[float]]
"""(when, seconds of the stream at which the utterance ended, or 0 for a partial), in order."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed; nan without values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def last_words(
    began: float, shown: Shown, spans: Sequence[Sequence[float]], heard: float
) -> tuple[list[float], int]:
    """How late the last word of each sentence was to be seen, in ms, and how many never were.

    Args:
        began: when the stream's first sample was spoken.
        shown: what a listener saw and when.
        spans: beginning and end of each sentence, in seconds of the stream.
        heard: the stream's length; a sentence that was cut off does not count.
    """
    seen: list[tuple[float, float]] = []  # the utterance's end, when its last change was seen
    partial = 0.0
    for when, end in shown:
        if not end:
            partial = when
            continue
        seen.append((end, partial or when))
        partial = 0.0
    late, missed = [], 0
    for _, over in spans:
        if over + NEAR_SECONDS > heard:
            continue
        near = [when for end, when in seen if abs(end - over) < NEAR_SECONDS]
        if near:
            late.append((near[-1] - began - over) * 1000)
        else:
            missed += 1
    return late, missed


@dataclass(frozen=True)
class Round:
    """One contender's minute: CPU per second of speech, and how late last words were."""

    cpu_ms: float
    late: tuple[float, ...]
    missed: int
    incomplete: int

    @classmethod
    def of(cls, found: dict[str, Any], spans: Sequence[Sequence[Sequence[float]]]) -> "Round":
        late: list[float] = []
        missed = 0
        for stream, of_party in zip(found["streams"], spans, strict=True):
            more, lost = last_words(stream["began"], stream["shown"], of_party, stream["seconds"])
            late += more
            missed += lost
        incomplete = len(found["streams"]) - found["complete"]
        cpu = found["cpu"] / found["seconds"] * 1000 if found["seconds"] else float("nan")
        return cls(cpu, tuple(late), missed, incomplete)

    @property
    def keeps_up(self) -> bool:
        """Every stream heard to its end, and 95 % of last words seen in time."""
        return not self.incomplete and percentile(self.late, 0.95) <= LATE_MS


def together(rounds: Sequence[Round]) -> dict[str, float | int]:
    """The cheapest round's cost, as neighbours only ever add to it; all rounds' last words."""
    late = [one for each in rounds for one in each.late]
    return {
        "cpu_ms_per_second": round(min(one.cpu_ms for one in rounds), 3),
        "last_word_ms_p50": round(percentile(late, 0.5)),
        "last_word_ms_p95": round(percentile(late, 0.95)),
        "sentences": len(late),
        "missed": sum(one.missed for one in rounds),
        "incomplete": sum(one.incomplete for one in rounds),
    }


def ratio(ours: Sequence[Round], bare: Sequence[Round]) -> float:
    """Ours to the bare loop's cost: the median over the pairs of neighbouring rounds."""
    return statistics.median(a.cpu_ms / b.cpu_ms for a, b in zip(ours, bare, strict=True))


def goals(results: dict[str, Any]) -> list[str]:
    """Each goal with its figure: met or missed."""
    lines = []
    if cost := results.get("cost"):
        lines += [
            _goal("CPU per stream-second, pool / bare loop", cost["ratio"], "≤", MOST_COST),
            _goal("last word seen, median ms", cost["pool"]["last_word_ms_p50"], "≤", SEEN_MS),
        ]
    if full := results.get("full"):
        lines += [
            _goal("streams heard live at real-time factor 0.3", full["live"], "=", 6),
            _goal("of the others, transcribed", full["afterwards"], "=", full["refused"]),
        ]
    if recordings := results.get("recordings"):
        lines.append(_goal("throughput, ours / bare", recordings["ratio"], "≥", LEAST_THROUGHPUT))
    return lines


def _goal(what: str, found: float, how: str, wanted: float) -> str:
    met = {"≤": found <= wanted, "≥": found >= wanted, "=": found == wanted}[how]
    return f"{what} {how} {wanted:g}: {found:g}, {'met' if met else 'MISSED'}"
