"""Every operation of the API that writes, as a day goes: each finds what others made before."""

from typing import Any

from tests.desk.api.people import PASSWORD
from tests.desk.api.test_sla import content
from tests.desk.automation.cases import rules
from tests.desk.routing.cases import RULES
from tests.desk.teamwork import files
from tests.rig.samples import NOW

T = "/tickets/{number}"
MOBILE = "13820220001"
REASON = {"reason": "客户要求"}
TALK = {"call_id": "{call}", "identity": "asked"}
TASK = {"title": "回电", "to": "agent:8001"}
RULE = "name: a\non: [ticket.assigned]\nwhen: ticket.type == 'complaint'\ndo:\n  - note: {text: x}"
VIEW = {"name": "我的"}
ANSWER = {"name": "问候", "text": "您好"}

# Operation, its path as it is asked, and its body. `{number}` is the ticket that the last line with
# `new` opened, a talk is in its call, `LAST_NOTE` is its last note. `{id}` is the last that was
# made. `look` draws the ticket for a look at its 作废.
LAST_NOTE = [0]
Step = tuple[str, str, Any]
DAY: list[Step] = [
    ("new", "", None),
    (f"PATCH {T}", T, {"subject": "不制冷"}),
    (f"PATCH {T}/fields", f"{T}/fields", {"fields": {"product": "空调"}}),
    (f"PUT {T}/level", f"{T}/level", {"level": 2, **REASON}),
    (f"PUT {T}/priority", f"{T}/priority", {"priority": 50, **REASON}),
    ("POST /routing/editions", "/routing/editions", {"content": RULES}),
    (f"POST {T}/route", f"{T}/route", None),
    (f"POST {T}/assign", f"{T}/assign", {"team": "tianjin", "assignee": "agent:8001"}),
    (f"POST {T}/start", f"{T}/start", None),
    (f"POST {T}/wait", f"{T}/wait", REASON),
    (f"POST {T}/escalate", f"{T}/escalate", REASON),
    (f"POST {T}/resolve", f"{T}/resolve", {"solution": "更换压缩机"}),
    (f"POST {T}/confirm", f"{T}/confirm", TALK),
    (f"POST {T}/revisits", f"{T}/revisits", {"every_days": 30, "visits": 3}),
    (
        f"POST {T}/revisits/{{revisit_id}}/visits/{{visit}}",
        f"{T}/revisits/{{id}}/visits/1",
        {"outcome": "satisfied"},
    ),
    (f"POST {T}/revisits/{{revisit_id}}/cancel", f"{T}/revisits/{{id}}/cancel", REASON),
    ("POST /tickets", "/tickets", {"type": "complaint", "subject": "x"}),
    ("POST /tickets/take-next", "/tickets/take-next", None),
    ("new", "", None),
    (f"POST {T}/solve-in-call", f"{T}/solve-in-call", {"solution": "重启", **TALK}),
    (f"POST {T}/reopen", f"{T}/reopen", REASON),
    (f"POST {T}/start", f"{T}/start", None),
    (f"POST {T}/resolve", f"{T}/resolve", {"solution": "重启"}),
    (f"POST {T}/override", f"{T}/override", {"supervisor": "王莉", **REASON}),
    ("new", "", None),
    (f"POST {T}/void", f"{T}/void", {"reason": "wrong_number"}),
    ("look", "", None),
    (f"POST {T}/void/pass", f"{T}/void/pass", None),
    ("new", "", None),
    (f"POST {T}/handovers", f"{T}/handovers", {"team": "national", **REASON}),
    (f"POST {T}/handover/refuse", f"{T}/handover/refuse", REASON),
    (f"POST {T}/handovers", f"{T}/handovers", {"team": "national", **REASON}),
    (f"POST {T}/handover/withdraw", f"{T}/handover/withdraw", None),
    (f"POST {T}/handovers", f"{T}/handovers", {"team": "national", **REASON}),
    (f"POST {T}/handover/take", f"{T}/handover/take", {"assignee": "agent:8003"}),
    (f"POST {T}/merge", f"{T}/merge", {"survivor": "100014"}),
    (f"POST {T}/unmerge", f"{T}/unmerge", REASON),
    (f"POST {T}/notes", f"{T}/notes", {"text": "第二件事"}),
    (
        f"POST {T}/split",
        f"{T}/split",
        {"type": "complaint", "subject": "第二件事", "note_ids": LAST_NOTE},
    ),
    (f"POST {T}/calls", f"{T}/calls", {"call_id": "{call}"}),
    (f"POST {T}/links", f"{T}/links", {"kind": "related", "other": "100014"}),
    (f"DELETE {T}/links/{{kind}}/{{other}}", f"{T}/links/related/100014", None),
    (f"POST {T}/watchers", f"{T}/watchers", {"watcher": "8002"}),
    (f"DELETE {T}/watchers/{{watcher}}", f"{T}/watchers/agent:8002", None),
    (f"POST {T}/attachments", f"{T}/attachments?name=a.png", files.PNG),
    (f"DELETE {T}/attachments/{{attachment_id}}", f"{T}/attachments/{{id}}", None),
    (f"POST {T}/messages", f"{T}/messages", {"text": "技术员下午到"}),
    (f"POST {T}/tasks", f"{T}/tasks", TASK),
    ("POST /tasks/{task_id}/done", "/tasks/{id}/done", {}),
    ("POST /tasks", "/tasks", TASK),
    ("POST /tasks/{task_id}/drop", "/tasks/{id}/drop", REASON),
    (f"PUT {T}/mobile", f"{T}/mobile", {"number": MOBILE}),
    (f"POST {T}/outbound-calls", f"{T}/outbound-calls", {"agent": "8001", "number": MOBILE}),
    ("POST /outbound/calls", "/outbound/calls", {"agent": "8002", "number": "13820220002"}),
    ("DELETE /outbound/calls/{request_id}", "/outbound/calls/{id}", None),
    ("POST /outbound/stop", "/outbound/stop", REASON),
    ("POST /outbound/start", "/outbound/start", REASON),
    ("PUT /outbound/marks/{mark}/{number}", f"/outbound/marks/do_not_call/{MOBILE}", REASON),
    ("DELETE /outbound/marks/{mark}/{number}", f"/outbound/marks/do_not_call/{MOBILE}", None),
    ("PUT /opt-outs/{channel}/{to}", f"/opt-outs/sms/{MOBILE}", {}),
    ("DELETE /opt-outs/{channel}/{to}", f"/opt-outs/sms/{MOBILE}", None),
    (
        "POST /messages/received",
        "/messages/received",
        {"provider": "aliyun", "id": "m-1", "from": MOBILE, "text": "好"},
    ),
    ("POST /notices/{notice_id}/read", "/notices/1/read", None),
    ("POST /notices/read", "/notices/read", {"up_to": 1000}),
    ("POST /templates", "/templates", ANSWER),
    ("PUT /templates/{template_id}", "/templates/{id}", {**ANSWER, "text": "您好!"}),
    ("DELETE /templates/{template_id}", "/templates/{id}", None),
    ("POST /views", "/views", VIEW),
    ("PUT /views/{view_id}", "/views/{id}", {**VIEW, "sort": "due"}),
    ("DELETE /views/{view_id}", "/views/{id}", None),
    ("POST /automation/editions", "/automation/editions", {"content": rules(RULE)}),
    ("POST /sla/editions", "/sla/editions", {"content": content(), "expected": 1}),
    (
        "POST /accounts",
        "/accounts",
        {"name": "wang", "role": "agent", "team": "tianjin", "password": PASSWORD},
    ),
    ("PATCH /accounts/{name}", "/accounts/wang", {"role": "lead"}),
    ("PUT /accounts/{name}/password", "/accounts/wang/password", {"password": f"{PASSWORD}!"}),
    ("POST /tokens", "/tokens", {"name": "wallboard", "scopes": ["tickets:read"]}),
    ("DELETE /tokens/{token_id}", "/tokens/{id}", None),
    ("PUT /session/password", "/session/password", {"old": PASSWORD, "new": f"{PASSWORD}!"}),
]
HOLDS_A_SECRET = {"POST /tokens"}
OF_A_SESSION = {"PUT /session/password"}

CHANGES_NOTHING: dict[str, tuple[str, Any]] = {
    "POST /routing/check": ("/routing/check", {"content": RULES}),
    "POST /routing/test": ("/routing/test", {"sample": {}, "content": RULES}),
    f"POST {T}/routing/test": ("/tickets/100014/routing/test", {"content": RULES}),
    "POST /sla/effect": ("/sla/effect", {"content": content()}),
    "POST /automation/check": ("/automation/check", {"content": rules(RULE)}),
    "POST /automation/dry-run": (
        "/automation/dry-run",
        {"content": rules(RULE), "since": NOW.isoformat()},
    ),
    f"POST {T}/templates/{{template_id}}": ("/tickets/100014/templates/1", None),
}
ACTS: dict[str, Any] = {
    "PUT /agents/{extension}/state": {"state": "away"},
    **{
        f"POST /calls/{{call_id}}/{what}": body
        for what, body in {
            "hold": None,
            "resume": None,
            "transfer": {"to": "8002", "kind": "attended"},
            "transfer/complete": None,
            "transfer/cancel": None,
            "conference": {"to": "8002"},
            "drop": {"extension": "8001"},
            "recording/pause": None,
            "recording/resume": None,
            "supervise": {"supervisor": "8009"},
            "supervise/stop": {"supervisor": "8009"},
            "hangup": None,
        }.items()
    },
}
OTHERWISE = {
    "POST /session",  # nobody is known yet
    "DELETE /session",  # and nobody is left
    "POST /tickets/bulk",  # a transaction for each ticket, under the run's own key
}
