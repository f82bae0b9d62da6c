"""What notices say. They name a ticket by its number and nothing of its matter: whoever may read
the ticket reads it there.
"""

from collections.abc import Mapping
from typing import Any

ASSIGNED = "工单 {number} 已分配给您 · ticket assigned to you"
ASSIGNED_TEAM = "工单 {number} 已分配给本组 · ticket assigned to your team"
REOPENED = "工单 {number} 已重新打开 · reopened, and yours"
HANDOVER_ASKED = "{from_team} 请本组接手工单 {number} · your team is asked to take it"
HANDOVER_REFUSED = "{to_team} 未接手工单 {number} · not taken over"
HANDOVER_WITHDRAWN = "工单 {number} 不再需要接手 · no longer to be taken over"
HANDOVER_OVERDUE = "工单 {number} 逾期无人接手({to_team})· nobody has taken it in time"
VOID_CHECK = "工单 {number} 作废,被抽中复核 · void, drawn for a second look"
ESCALATED = "工单 {number} 已升级 · escalated"

TARGETS = {"first_response": "首次响应", "resolution": "解决", "hand_over": "交接"}
COLOURS = {"amber": "即将超时 nearly due", "red": "已超时 overdue"}

HAPPENED: Mapping[str, str] = {
    "ticket.assigned": "已分配 assigned",
    "ticket.started": "开始处理 started",
    "ticket.waiting": "等客户 waiting for the customer",
    "ticket.escalated": "已升级 escalated",
    "ticket.resolved": "已解决待确认 resolved",
    "ticket.confirmed": "客户已确认,已关闭 confirmed and closed",
    "ticket.overridden": "主管关闭 closed by a supervisor",
    "ticket.solved_in_call": "当场解决,已关闭 solved in the call",
    "ticket.reopened": "重新打开 reopened",
    "ticket.voided": "作废 void",
    "ticket.merged": "已合并 merged",
    "ticket.unmerged": "已拆回 parted again",
    "ticket.split": "已拆分 split",
    "ticket.edited": "内容已更正 corrected",
    "ticket.joined": "有新来电或补充 another call",
    "note.added": "有新备注 a note",
    "attachment.added": "有新附件 an attachment",
    "handover.asked": "请他组接手 to be handed over",
    "handover.refused": "交接被拒 hand-over refused",
    "handover.overdue": "交接逾期 hand-over overdue",
    "sla.escalated": "时限升级 service level",
}
"""What watchers hear of, by the kind of the entry."""


def watched(number: str, kind: str, actor: str) -> str:
    """What a watcher is told."""
    return f"关注的工单 {number}:{HAPPENED[kind]}({actor})"


def sla(body: Mapping[str, Any]) -> str:
    """What somebody in the chain of escalation is told."""
    target = TARGETS.get(str(body.get("target")), str(body.get("target", "")))
    colour = COLOURS.get(str(body.get("colour")), "须处理 due")
    return f"工单 {body.get('number', '')} {target}{colour}"
