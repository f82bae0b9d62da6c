"""Entries of the timeline as sentences, Chinese first."""

from collections.abc import Mapping
from typing import Any

from desk.timeline import Entry


def words(entry: Entry) -> str:
    """What happened, for people; a kind that has no sentence here is shown as it is."""
    body = entry.body or {}
    match entry.kind:
        case "call.received":
            return f"来电 received    {_place(body['caller'])} → {body['dialled']}"
        case "menu.chosen":
            led_to = body["label"] or body["verb"]
            return f"选择 chose       按键 {body['key'] or '无'} → {led_to}"
        case "agent.rung":
            return f"振铃 ringing     分机 {body['agent']}"
        case "agent.answered":
            return f"通话 talking     分机 {body['agent']}"
        case "agent.left":
            return f"坐席离开 left    分机 {body['agent']}"
        case "agent.missed":
            return f"未接 missed     分机 {body['agent']}:{body['reason']}"
        case "recording.refused":
            return "拒录 refused    不录音,不转写"
        case "utterance.added":
            how = "" if body["live"] else "(事后 / afterwards)"
            return f"{_speaker(body['party'])}{how} {body['text']}"
        case "digest.added":
            return f"摘要 digest     {body['summary']}"
        case "ticket.opened":
            labels = " ".join(body["labels"])
            return f"建单 ticket      {body['number']} {body['subject']} {labels}"
        case "recording.added":
            return f"录音 recorded    {body['seconds']:.1f} 秒 {_track(body)}".rstrip()
        case "transcript.added":
            return f"识别 heard       {body['text'] or '没有听到说话 / nothing'}"
        case "ticket.described":
            return "补充 described   识别的文字已写入工单"
        case "call.ended":
            return f"结束 ended       {body['seconds']:.1f} 秒,{body['cause']}"
        case kind:
            return kind


def _track(body: Mapping[str, Any]) -> str:
    party: str = body.get("party") or ""
    return "双方混音 both" if body.get("kind") == "mix" else party


def _speaker(party: str) -> str:
    extension = party.partition(":")[2]
    return f"坐席 agent {extension}  " if extension else "客户 caller      "


def _place(caller: Mapping[str, Any]) -> str:
    parts = dict.fromkeys(part for part in (caller["province"], caller["city"]) if part)
    return f"{caller['caller_id']} {''.join(parts)}({caller['area_code']})"
