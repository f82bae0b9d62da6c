"""What conditions can ask about: every fact with its type, so that a wrong name or a comparison
of things that cannot be compared is found when a rule is written, not when a customer rings.

Every fact always has a value: what is not known is `""`, 0, false or an empty list.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any


class Kind(StrEnum):
    """The type of a fact."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    MOMENT = "moment"
    TEXTS = "texts"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN: Mapping[Kind, Any] = {
    Kind.TEXT: "",
    Kind.NUMBER: 0,
    Kind.YES_NO: False,
    Kind.MOMENT: EPOCH,
    Kind.TEXTS: (),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: its type, and what it says."""

    kind: Kind
    meaning: str


def _text(meaning: str) -> Fact:
    return Fact(Kind.TEXT, meaning)


def _number(meaning: str) -> Fact:
    return Fact(Kind.NUMBER, meaning)


def _yes_no(meaning: str) -> Fact:
    return Fact(Kind.YES_NO, meaning)


FACTS: Mapping[str, Mapping[str, Fact]] = MappingProxyType(
    {
        "ticket": {
            "number": _text("工单号 / what callers hear"),
            "type": _text("类型 / a key of tickets.types"),
            "status": _text("状态 / accepted, assigned, …"),
            "level": _number("级别 / 1, the gravest, to 4; 0: not set"),
            "priority": _number("优先级 / the higher, the sooner"),
            "cycle": _number("第几轮 / 1, one more with every reopening"),
            "team": _text("负责组 / the team in charge"),
            "assignee": _text("处理人 / who is in charge"),
            "subject": _text("标题"),
            "solution": _text("解决方案"),
            "text": _text("全部文字 / subject, description, summary, notes, what customers said"),
            "labels": Fact(Kind.TEXTS, "标签"),
            "area_code": _text("区号 / like 022"),
            "province": _text("省份 / like 天津"),
            "city": _text("城市"),
            "number_kind": _text("号码类型 / mobile, landline, …, withheld"),
            "calls": _number("来电次数 / calls of this ticket"),
            "opened_at": Fact(Kind.MOMENT, "开单时间"),
            "updated_at": Fact(Kind.MOMENT, "最后变更"),
            "age_minutes": _number("开单至今的分钟数"),
            "idle_minutes": _number("最后变更至今的分钟数"),
            "by_hand": _yes_no("人工开单 / opened by a person, not by a call"),
            "sla_state": _text("解决时限 / running, paused, met, breached, stopped"),
            "sla_due_minutes": _number("距解决时限的分钟数 / until it is due; negative: overdue"),
        },
        "customer": {
            "known": _yes_no("已确定的客户 / no doubt who it is"),
            "name": _text("姓名"),
            "company": _text("公司"),
            "level": _text("客户级别 / as imported, like 金牌"),
            "score": _number("客户评分 / of surveys; 0 where there is none"),
            "open_tickets": _number("未结工单 / others of the same customer, too"),
        },
        "call": {
            "id": _text("最近一次来电"),
            "choice": _text("菜单选择 / what the key was labelled, like 投诉"),
            "menu": _text("所在菜单 / the menu in which it was pressed"),
            "direction": _text("inbound, outbound"),
            "talked": _yes_no("与坐席通话 / an agent spoke in it"),
            "agent": _text("最后通话的坐席 / agent:8001"),
            "cause": _text("结束原因"),
        },
        "event": {
            "kind": _text("事项 / like ticket.opened; the timer's name for timers"),
            "actor": _text("谁 / who did it"),
            "before": _text("之前的状态 / the status before a step"),
            "status": _text("之后的状态"),
            "reason": _text("原因"),
            "source": _text("确认来源 / talk, key, sms, link"),
            "text": _text("文字 / of a note, a message, an utterance"),
            "public": _yes_no("对客户可见 / of a note"),
            "target": _text("时限 / first_response, resolution, hand_over"),
            "step": _text("升级到 / agent, lead, supervisor, manager"),
            "score": _number("满意度 / of a survey"),
            "level": _number("级别 / of a change of level"),
            "outcome": _text("结果 / of a call-back"),
        },
        "now": {
            "at": Fact(Kind.MOMENT, "现在"),
            "date": _text("日期 / 2026-11-22"),
            "hour": _number("0–23"),
            "minute": _number("0–59"),
            "weekday": _number("1 (周一 Monday) – 7"),
            "day": _number("1–31"),
            "month": _number("1–12"),
        },
    }
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The facts of a house: those of everybody, and the fields that its ticket types declare.

    Attributes:
        fields: name and type, sorted by name; conditions write `ticket.fields.product`.
    """

    fields: tuple[tuple[str, Kind], ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Kind]) -> "Schema":
        """With these fields."""
        return cls(tuple(sorted(fields.items())))

    def kind_of(self, subject: str, name: str) -> Kind | None:
        """The type of `subject.name` (`ticket.fields` is a subject); None: there is none."""
        if subject == "ticket.fields":
            return dict(self.fields).get(name)
        fact = FACTS.get(subject, {}).get(name)
        return fact.kind if fact is not None else None

    def paths(self) -> Iterable[str]:
        """Every fact as a condition writes it."""
        for subject, facts in FACTS.items():
            yield from (f"{subject}.{name}" for name in facts)
        yield from (f"ticket.fields.{name}" for name, _ in self.fields)


SCHEMA = Schema()
"""Without fields of ticket types."""


def fits(kind: Kind, value: Any) -> bool:
    """Whether a value is of this type."""
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.NUMBER:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and math.isfinite(value)
        case Kind.YES_NO:
            return isinstance(value, bool)
        case Kind.MOMENT:
            return isinstance(value, datetime) and value.tzinfo is not None
        case Kind.TEXTS:
            return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)


def typed(kind: Kind, value: Any) -> Any:
    """`value` if it is of this type, else what stands for unknown."""
    if not fits(kind, value):
        return _UNKNOWN[kind]
    return tuple(value) if kind is Kind.TEXTS else value


def value_of(schema: Schema, facts: Mapping[str, Any], path: str) -> Any:
    """The value of a fact as a condition writes it, of the type that the schema says.

    Raises:
        KeyError: the schema has no such fact.
    """
    subject, _, name = path.rpartition(".")
    kind = _kinds(schema).get(path)
    if kind is None:
        raise KeyError(path)
    found: Any = facts
    for part in subject.split("."):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return typed(kind, found.get(name) if isinstance(found, Mapping) else None)


@lru_cache(maxsize=32)
def _kinds(schema: Schema) -> Mapping[str, Kind]:
    found = {
        f"{subject}.{name}": fact.kind for subject, facts in FACTS.items()
        for name, fact in facts.items()
    }  # fmt: skip
    return found | {f"ticket.fields.{name}": kind for name, kind in schema.fields}
