"""What happens to a case, as sentences, Chinese first."""

from collections.abc import Callable, Mapping
from typing import Any

from ari_app.demo.words import words
from desk.tickets import STATUSES
from desk.timeline import Entry

Body = Mapping[str, Any]
OUTCOMES = {"solved": "已解决", "not_solved": "没有解决"}
IDENTITIES = {"pressed": "按键 1:是本人", "ticket_number": "输入了工单号"}
CONSENTS = {"given": "同意录音", "refused": "不同意录音"}


def _routed(body: Body) -> str:
    level = f"{body['level']} 级" if body.get("level") else ""
    rules = "、".join(body["rules"]) or body["place"]
    return " ".join(part for part in (level, f"({rules})") if part)


def _in_charge(body: Body) -> str:
    return " ".join(part for part in (body["team"], body["assignee"]) if part)


def _score(body: Body) -> str:
    whole = body.get("customer_score")
    mean = f"(客户分 {whole:.1f})" if whole is not None else ""
    return f"{body['points']} 分 {body['comment']}{mean}"


SENTENCES: Mapping[str, tuple[str, Callable[[Body], str]]] = {
    "call.placed": ("呼出 calling", lambda b: f"→ {b['dialled']}"),
    "ticket.joined": ("并入 joined", lambda b: f"工单 {b['number']}"),
    "ticket.routed": ("路由 routed", _routed),
    "ticket.assigned": ("分配 assigned", _in_charge),
    "ticket.edited": (
        "更正 edited",
        lambda b: f"类型 {b['type']}" if b.get("type") else f"工单 {b['number']}",
    ),
    "ticket.started": ("处理 started", lambda b: b["assignee"]),
    "ticket.resolved": ("解决 resolved", lambda b: f"{b['solution']}({STATUSES[b['status']]})"),
    "ticket.reopened": ("重开 reopened", lambda b: f"第 {b['cycle']} 轮,优先级 {b['priority']}"),
    "ticket.confirmed": ("关闭 closed", lambda b: f"客户按键确认,身份 {b['identity']}"),
    "ticket.levelled": ("定级 level", lambda b: f"{b['level']} 级:{b['reason']}"),
    "message.queued": ("短信 SMS", lambda b: b["text"]),
    "message.sent": ("已发 sent", lambda b: f"短信 {b['message_id']}({b['template']})"),
    "outbound.requested": ("要回访 wanted", lambda b: f"方式 {b['way']} {b['e164']}"),
    "outbound.dialling": ("回访 ringing", lambda b: f"第 {b['attempt']} 次"),
    "outbound.identity": ("身份 identity", lambda b: IDENTITIES[b["identity"]]),
    "outbound.consent": ("同意 consent", lambda b: f"按键 {b['key']}:{CONSENTS[b['consent']]}"),
    "outbound.postponed": ("未成 postponed", lambda b: b["outcome"]),
    "outbound.done": (
        "答复 answered",
        lambda b: OUTCOMES.get(b["outcome"], str(b["outcome"])),
    ),
    "rule.ran": ("规则 rule", lambda b: b["rule"]),
    "survey.asked": ("调查 survey", lambda _: "链接已发给客户"),
    "survey.answered": ("评分 score", _score),
}
SILENT = (
    *("account.", "agent.state", "automation.", "customer.", "notice.", "recording.accessed"),
    *("rule.activated", "ruleset.", "sla.applied", "template.", "token.", "unmasked.", "watcher."),
)
"""What is no part of the case."""
COLUMN = 16


def sentence(entry: Entry) -> str | None:
    """What happened, for people; None: it is no part of the story."""
    if entry.kind.startswith(SILENT):
        return None
    if entry.kind not in SENTENCES:
        return words(entry)
    name, tell = SENTENCES[entry.kind]
    wide = sum(2 if ord(letter) > 0x2E80 else 1 for letter in name)
    return f"{name}{' ' * max(1, COLUMN - wide)} {tell(entry.body or {})}"
