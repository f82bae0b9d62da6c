"""The table that readers of docs/reliability.md judge by counts what was measured, and no more."""

from typing import Any

from tests.chaos.table import render


def played(fault: str, *callers: tuple[str, bool, list[str]]) -> dict[str, Any]:
    return {
        "seed": f"s-{fault}",
        "fault": fault,
        "commit": "abc",
        "at": "2026-11-22 04:00",
        "seconds": 30,
        "callers": [
            {"stage": stage, "reached": reached, "problems": problems}
            for stage, reached, problems in callers
        ],
        "problems": [],
        "flows": [],
    }


def test_calls_count_in_the_stage_that_they_have_reached_only() -> None:
    text = render(
        [
            played("kill", ("menu", True, []), ("queue", True, []), ("queue", False, [])),
            played("both", ("menu", True, ["LOST: no ticket"])),
        ]
    )
    assert "| menu | 1 | 1 (1/0/0/0) | **2 (1/0/0/0)** |" in text
    assert "| queue | 1 |  | **1** |" in text
    assert "- `s-both` (both) menu: LOST: no ticket" in text


def test_a_table_of_nothing_says_so() -> None:
    assert render([]) == "Nothing was measured yet.\n"
