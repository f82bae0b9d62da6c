"""The words of a ticket's lifecycle: statuses, roles, actions, needs and triggers."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where a ticket stands."""

    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING_CUSTOMER = "waiting_customer"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    VOID = "void"
    MERGED = "merged"


class Role(StrEnum):
    """As what somebody acts. `system` is Huisheng itself: menus, timers, rules, links in SMS."""

    AGENT = "agent"
    TECHNICIAN = "technician"
    LEAD = "lead"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


class Action(StrEnum):
    """What is done to a ticket."""

    ASSIGN = "assign"
    START = "start"
    WAIT = "wait"
    ESCALATE = "escalate"
    RESOLVE = "resolve"
    CONFIRM = "confirm"
    OVERRIDE = "override"
    SOLVE_IN_CALL = "solve_in_call"
    REOPEN = "reopen"
    VOID = "void"
    MERGE = "merge"
    UNMERGE = "unmerge"


class Need(StrEnum):
    """What must be present when an action is taken."""

    PLACE = "place"  # a team or an assignee
    ASSIGNEE = "assignee"
    REASON = "reason"
    SOLUTION = "solution"
    FIELDS = "fields"  # those that the ticket's type wants filled
    CONFIRMATION = "confirmation"
    SUPERVISOR = "supervisor"
    VOID_REASON = "void_reason"
    NEVER_REOPENED = "never_reopened"
    SURVIVOR = "survivor"


class Trigger(StrEnum):
    """What follows, by name; the timeline entry of the change carries these."""

    NOTIFY_ASSIGNEE = "notify_assignee"
    PAUSE_CLOCK = "pause_clock"
    RESUME_CLOCK = "resume_clock"
    STOP_CLOCK = "stop_clock"
    NOTIFY_ESCALATION = "notify_escalation"
    TELL_CUSTOMER = "tell_customer"
    ASK_CONFIRMATION = "ask_confirmation"
    SURVEY = "survey"
    REVISIT = "revisit"  # may be planned from now on; people do, see `desk.outbound.revisits`
    NEW_CYCLE = "new_cycle"
    RAISE_PRIORITY = "raise_priority"
    SAMPLE_CHECK = "sample_check"
    FOLLOW_SURVIVOR = "follow_survivor"
    LEAVE_SURVIVOR = "leave_survivor"


class Target(StrEnum):
    """An end of a transition that depends on the ticket."""

    SAME = "same"  # the status stays
    BEFORE = "before"  # the status that it had when it was merged


class Standing(StrEnum):
    """How a ticket counts in figures. `none`: neither solved nor unsolved."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    NONE = "none"


class Clock(StrEnum):
    """What the time until a solution does."""

    RUNS = "runs"
    PAUSED = "paused"
    STOPPED = "stopped"


STATUSES: Mapping[str, str] = {
    Status.ACCEPTED: "受理",
    Status.ASSIGNED: "已分配",
    Status.IN_PROGRESS: "处理中",
    Status.WAITING_CUSTOMER: "待客户",
    Status.ESCALATED: "已升级",
    Status.RESOLVED: "已解决待确认",
    Status.CLOSED: "已关闭",
    Status.REOPENED: "重新打开",
    Status.VOID: "作废",
    Status.MERGED: "已合并",
}
VOID_REASONS: Mapping[str, str] = {"wrong_number": "打错", "silent": "无声", "test": "测试"}
FIRST = Status.ACCEPTED
OPEN = frozenset(
    {
        Status.ACCEPTED,
        Status.ASSIGNED,
        Status.IN_PROGRESS,
        Status.WAITING_CUSTOMER,
        Status.ESCALATED,
        Status.REOPENED,
    }
)
ALIVE = OPEN | {Status.RESOLVED}  # may survive a merger
