"""The table of transitions is what the house agreed on: to change it is to decide."""

import re
from pathlib import Path

import pytest

from desk.errors import RoleNotAllowed, TransitionIncomplete, TransitionRefused
from desk.tickets import picture
from desk.tickets.lifecycle import (
    TABLE,
    clock,
    leads_on,
    permit,
    replay,
    standing,
    transition,
)
from desk.tickets.states import (
    STATUSES,
    Action,
    Clock,
    Need,
    Role,
    Standing,
    Status,
    Target,
    Trigger,
)

DOCS = Path(__file__).resolve().parents[3] / "docs" / "lifecycle.md"

# From each status, the ends that are possible.
WAYS = {
    "accepted": "assigned in_progress escalated closed void merged",
    "assigned": "assigned in_progress escalated closed void merged",
    "in_progress": "assigned waiting_customer escalated resolved closed void merged",
    "waiting_customer": "waiting_customer in_progress escalated resolved closed void merged",
    "escalated": "escalated in_progress waiting_customer resolved closed void merged",
    "resolved": "closed reopened merged",
    "closed": "reopened",
    "reopened": "assigned in_progress escalated closed merged",
    "void": "reopened",
    "merged": "before",
}


def ends(status: Status) -> set[str]:
    rows = [row for row in TABLE if status in row.sources]
    return {status.value if row.to is Target.SAME else row.to.value for row in rows}


@pytest.mark.parametrize("status", list(Status))
def test_each_status_leads_only_where_the_house_agreed(status: Status) -> None:
    assert ends(status) == set(WAYS[status.value].split())


def test_every_status_has_a_chinese_name_and_is_reached() -> None:
    assert list(STATUSES) == [status.value for status in Status]
    assert {end for status in Status for end in ends(status)} - {"before"} | {"accepted"} == set(
        STATUSES
    )


def test_an_action_has_one_row_for_a_status() -> None:
    for status in Status:
        for action in Action:
            assert sum(row.action is action and status in row.sources for row in TABLE) <= 1


def test_nothing_closes_without_confirmation_but_a_supervisor_by_name_and_reason() -> None:
    closing = [row for row in TABLE if row.to is Status.CLOSED]
    for row in closing:
        if row.action is Action.OVERRIDE:
            assert row.roles == {Role.SUPERVISOR}
            assert set(row.needs) == {Need.SUPERVISOR, Need.REASON}
        else:
            assert Need.CONFIRMATION in row.needs
    assert {row.action for row in closing} == {
        Action.CONFIRM,
        Action.OVERRIDE,
        Action.SOLVE_IN_CALL,
    }


def test_who_was_told_of_a_solution_or_came_back_cannot_be_called_a_wrong_number() -> None:
    for row in TABLE:
        if row.to is Status.VOID:
            assert not row.sources & {Status.RESOLVED, Status.CLOSED, Status.REOPENED}
            assert {Need.VOID_REASON, Need.NEVER_REOPENED} <= set(row.needs)


def test_reopening_begins_a_new_escalation_cycle_wherever_it_comes_from() -> None:
    for row in TABLE:
        assert (Trigger.NEW_CYCLE in row.triggers) == (row.to is Status.REOPENED)


def test_void_and_merged_count_as_neither_solved_nor_unsolved() -> None:
    counted = {status: standing(status) for status in Status}
    assert {status for status in Status if counted[status] is Standing.NONE} == {
        Status.VOID,
        Status.MERGED,
    }
    assert {status for status in Status if counted[status] is Standing.SOLVED} == {Status.CLOSED}


def test_the_clock_that_a_step_announces_is_the_one_of_its_status() -> None:
    announced = {
        Trigger.RESUME_CLOCK: Clock.RUNS,
        Trigger.PAUSE_CLOCK: Clock.PAUSED,
        Trigger.STOP_CLOCK: Clock.STOPPED,
    }
    for row in TABLE:
        for source in row.sources:
            if row.to is Target.BEFORE:
                continue
            end = clock(row.end(source, source))
            told = {announced[trigger] for trigger in row.triggers if trigger in announced}
            assert told <= {end}
            assert told or end is clock(source), (row.action, source)


def test_a_refusal_says_what_is_possible_who_may_and_what_is_missing() -> None:
    with pytest.raises(TransitionRefused, match=r"resolved.*已解决待确认.*possible: confirm") as no:
        permit("100014", Status.RESOLVED, Action.RESOLVE, Role.AGENT, ())
    assert no.value.possible == ("confirm", "merge", "override", "reopen")
    with pytest.raises(RoleNotAllowed, match="ask one of: supervisor"):
        permit("100014", Status.RESOLVED, Action.OVERRIDE, Role.LEAD, ())
    with pytest.raises(TransitionIncomplete) as lacks:
        permit("100014", Status.RESOLVED, Action.OVERRIDE, Role.SUPERVISOR, {Need.REASON})
    assert lacks.value.missing == ("supervisor",)


def test_a_life_is_told_from_its_actions_alone_also_through_a_merger() -> None:
    life = [Action.START, Action.WAIT, Action.MERGE, Action.UNMERGE, Action.ASSIGN, Action.RESOLVE]
    assert [status.value for status in replay(life)] == [
        "accepted", "in_progress", "waiting_customer", "merged", "waiting_customer",
        "waiting_customer", "resolved",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="not whole"):
        list(replay([Action.CONFIRM]))


def test_the_pictures_show_every_way() -> None:
    text, mermaid, dot = picture.text(), picture.mermaid(), picture.dot()
    for status, word in STATUSES.items():
        assert f"{word} {status}" in text
        for action in leads_on(status):
            row = transition(Status(status), action)
            assert row is not None
            drawn = [row.end(Status(status), Status.RESOLVED)]
            for end in drawn:
                assert re.search(rf"^    {status} --> {end} : .* {action}$", mermaid, re.M)
                assert f"    {status} -> {end} [label=" in dot
    for row in TABLE:
        assert f"{picture.ACTIONS[row.action]} {row.action}" in text
    for words, of in (
        (picture.ROLES, Role),
        (picture.NEEDS, Need),
        (picture.TRIGGERS, Trigger),
        (picture.ACTIONS, Action),
    ):
        assert list(words) == list(of)


def test_the_document_shows_the_picture_of_this_version() -> None:
    assert picture.mermaid() in DOCS.read_text(encoding="utf-8")
