"""The `automation:` section of config.yaml."""

from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

ZONE = ZoneInfo("Asia/Shanghai")
"""In which `now.hour` and the days of conditions are meant unless the company says otherwise."""


class AutomationSettings(BaseModel):
    """How far rules may go on one case, and how long the run log is kept.

    most_depth: rules that set each other off in a row. most_per_ticket, most_per_rule: runs on one
    case within an hour, of all rules and of one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    most_depth: int = Field(default=5, ge=1, le=20)
    most_per_ticket: int = Field(default=30, ge=1, le=1000)
    most_per_rule: int = Field(default=6, ge=1, le=1000)
    keep_days: float = Field(default=365, gt=0)
