"""A house for tests of routing."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from desk import house
from desk.house import FieldSettings, House, Member
from tests.rig.samples import NOW

TYPES = {"complaint": "投诉", "repair": "报修", "consult": "咨询", "call": "来电"}
FIELDS = {
    "complaint": {"product": FieldSettings(label="产品")},
    "repair": {
        "product": FieldSettings(label="产品", required=True),
        "fault": FieldSettings(
            label="故障", kind="choice", choices=["不制冷", "漏水"], required=True
        ),
        "bought_on": FieldSettings(label="购买日期", kind="date"),
        "pieces": FieldSettings(label="数量", kind="number"),
        "warranty": FieldSettings(label="保修期内", kind="yes_no"),
    },
}
MEMBERS = (
    Member(name="agent:8001", full_name="张敏", team="tianjin", skills=("repair",)),
    Member(name="agent:8002", full_name="李强", team="tianjin"),
    Member(name="agent:8003", full_name="王芳", team="national", skills=("repair", "software")),
    Member(name="lead.tj", full_name="赵组长", team="tianjin", role="lead"),
)
HOUSE = House(types=TYPES, fields=FIELDS, members=MEMBERS)


def declare(db: Connection, now: datetime = NOW, **changed: Any) -> House:
    """The house above, with some of it otherwise."""
    found = HOUSE.model_copy(update=changed)
    house.declare(db, found, now)
    return found
