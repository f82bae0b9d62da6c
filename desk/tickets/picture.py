"""The lifecycle drawn from its table: as text, for Graphviz, and for Mermaid."""

from collections.abc import Iterable, Iterator, Mapping

from desk.tickets.lifecycle import TABLE, Transition, standing
from desk.tickets.states import (
    STATUSES,
    Action,
    Need,
    Role,
    Standing,
    Status,
    Target,
    Trigger,
)

ACTIONS: Mapping[str, str] = {
    Action.ASSIGN: "分配",
    Action.START: "处理",
    Action.WAIT: "等客户",
    Action.ESCALATE: "升级",
    Action.RESOLVE: "解决",
    Action.CONFIRM: "客户确认",
    Action.OVERRIDE: "主管关闭",
    Action.SOLVE_IN_CALL: "当场解决",
    Action.REOPEN: "重新打开",
    Action.VOID: "作废",
    Action.MERGE: "合并",
    Action.UNMERGE: "拆回",
}
ROLES: Mapping[str, str] = {
    Role.AGENT: "坐席",
    Role.TECHNICIAN: "技师",
    Role.LEAD: "组长",
    Role.SUPERVISOR: "主管",
    Role.ADMINISTRATOR: "管理员",
    Role.SYSTEM: "系统",
}
NEEDS: Mapping[str, str] = {
    Need.PLACE: "组或处理人",
    Need.ASSIGNEE: "处理人",
    Need.REASON: "原因",
    Need.SOLUTION: "解决方案",
    Need.FIELDS: "必填字段",
    Need.CONFIRMATION: "客户的确认",
    Need.SUPERVISOR: "主管姓名",
    Need.VOID_REASON: "打错、无声或测试",
    Need.NEVER_REOPENED: "从未重新打开",
    Need.SURVIVOR: "并入的工单",
}
TRIGGERS: Mapping[str, str] = {
    Trigger.NOTIFY_ASSIGNEE: "通知处理人",
    Trigger.PAUSE_CLOCK: "计时暂停",
    Trigger.RESUME_CLOCK: "计时继续",
    Trigger.STOP_CLOCK: "计时停止",
    Trigger.NOTIFY_ESCALATION: "通知上级",
    Trigger.TELL_CUSTOMER: "告知客户",
    Trigger.ASK_CONFIRMATION: "回访确认",
    Trigger.SURVEY: "满意度调查",
    Trigger.REVISIT: "可安排定期回访",
    Trigger.NEW_CYCLE: "新一轮升级",
    Trigger.RAISE_PRIORITY: "优先",
    Trigger.SAMPLE_CHECK: "抽查",
    Trigger.FOLLOW_SURVIVOR: "随并入的工单",
    Trigger.LEAVE_SURVIVOR: "离开并入的工单",
}
COUNTED: Mapping[str, str] = {
    Standing.SOLVED: "算已解决 solved",
    Standing.UNSOLVED: "算未解决 unsolved",
    Standing.NONE: "两者都不算 neither",
}
_MAIN = """\
 来电 a call
   ▼
 受理 accepted ──► 作废 void (打错、无声、测试 wrong number, silent, test)
   ▼           └─► 已合并 merged (随并入的工单 the survivor's fate)
 已分配 assigned
   ▼
 处理中 in_progress ◄─► 待客户 waiting_customer
   ▼                ◄─► 已升级 escalated
 已解决待确认 resolved ──未解决 not solved──► 重新打开 reopened ─► 已分配, 处理中 …
   ▼ 客户确认 the customer's word              ▲
 已关闭 closed ──────────又出现 again──────────┘
"""


def text() -> str:
    """The picture, every way out of each status, and the conditions of each."""
    parts = [_MAIN]
    for status in Status:
        rows = [row for row in TABLE if status in row.sources]
        lines = [f"{STATUSES[status]} {status}  ({COUNTED[standing(status)]})"]
        for row in rows:
            bend = "└─" if row is rows[-1] else "├─"
            lines.append(f"  {bend} {ACTIONS[row.action]} {row.action} ─► {_end(row)}")
        parts.append("\n".join(lines) + "\n")
    for row in TABLE:
        lines = [f"{ACTIONS[row.action]} {row.action} ─► {_end(row)}", *_details(row)]
        parts.append("\n    ".join(lines) + "\n")
    return "\n".join(parts)


def mermaid() -> str:
    """A state diagram for Mermaid."""
    lines = ["stateDiagram-v2"]
    lines += [f"    {status} : {STATUSES[status]} {status}" for status in Status]
    lines.append(f"    [*] --> {Status.ACCEPTED}")
    lines += [
        f"    {source} --> {end} : {ACTIONS[row.action]} {row.action}"
        for row, source, end in _arrows()
    ]
    return "\n".join(lines) + "\n"


def dot() -> str:
    """A digraph for Graphviz."""
    lines = ["digraph lifecycle {", "    rankdir=LR;", '    node [shape=box, style="rounded"];']
    lines += [f'    {status} [label="{STATUSES[status]}\\n{status}"];' for status in Status]
    lines += [
        f'    {source} -> {end} [label="{ACTIONS[row.action]}"];' for row, source, end in _arrows()
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _arrows() -> Iterator[tuple[Transition, str, str]]:
    """An arrow for each way; what goes back to the status before a merger is drawn to all."""
    for row in TABLE:
        for source in Status:
            if source not in row.sources:
                continue
            if row.to is not Target.BEFORE:
                yield row, source, row.end(source, source)
                continue
            merged = (other for other in TABLE if other.action is Action.MERGE)
            for before in sorted({status for other in merged for status in other.sources}):
                yield row, source, before


def _end(row: Transition) -> str:
    if row.to is Target.SAME:
        return "不变 same"
    if row.to is Target.BEFORE:
        return "合并前的状态 as before"
    return f"{STATUSES[row.to]} {row.to}"


def _details(row: Transition) -> Iterator[str]:
    sources = [status for status in Status if status in row.sources]
    yield f"从   from:  {_both(STATUSES, sources)}"
    yield f"谁   who:   {_both(ROLES, [role for role in Role if role in row.roles])}"
    if row.needs:
        yield f"须有 needs: {_both(NEEDS, row.needs)}"
    if row.triggers:
        yield f"随后 then:  {_both(TRIGGERS, row.triggers)}"


def _both(words: Mapping[str, str], keys: Iterable[str]) -> str:
    return ", ".join(f"{words[key]} {key}" for key in keys)
