"""What the desk keeps to when it wants customers called: ways, times, limits, evidence."""

import re
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Way = Literal["handler", "call", "sms"]
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]
HANDLER_LEVEL = 1
_RANGE = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")


class LimitSettings(BaseModel):
    """How far all calls over the trunk may go together, whatever for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_prefixes: list[Digits] = ["0", "1"]
    refused_prefixes: list[Digits] = ["00", "0900", "160", "168", "400", "800", "95", "96"]
    most_per_hour: int = Field(default=60, ge=1, le=10_000)
    most_at_once: int = Field(default=10, ge=1, le=1000)
    most_per_number_per_day: int = Field(default=6, ge=1, le=100)


class ConfirmSettings(BaseModel):
    """强制回访: how a customer is asked whether a case is solved.

    `ways` goes by the ticket's level (1 is the gravest, 0: none is set); level 1 is always the
    handler's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ways: dict[Annotated[int, Field(ge=0, le=4)], Way] = {
        0: "call", 1: "handler", 2: "call", 3: "call", 4: "sms"
    }  # fmt: skip
    attempts: int = Field(default=3, ge=1, le=20)
    attempts_per_day: int = Field(default=2, ge=1, le=10)
    retry_minutes: float = Field(default=120, gt=0, le=10_080)
    answer_seconds: float = Field(default=6, ge=1, le=30)
    asks: int = Field(default=2, ge=1, le=5)
    salutation: str | None = Field(default="如果您是{who},请按一。", max_length=60)
    sms_hours: float = Field(default=48, gt=0, le=720)
    most_days: float = Field(default=3, gt=0, le=30)

    @model_validator(mode="after")
    def _gravest_is_the_handlers(self) -> Self:
        if self.ways.get(HANDLER_LEVEL, "handler") != "handler":
            raise ValueError("level 1 is always asked by its handler; write 1: handler")
        return self

    @field_validator("salutation")
    @classmethod
    def _names_somebody(cls, value: str | None) -> str | None:
        if value is not None and "{who}" not in value:
            raise ValueError("write {who} where the surname goes, or null to speak no name")
        return value

    def way(self, level: int) -> Way:
        """How a ticket of that level is confirmed."""
        if level == HANDLER_LEVEL:
            return "handler"
        return self.ways.get(level, self.ways.get(0, "call"))


class OutboundSettings(BaseModel):
    """Calls to customers over `trunk`; without one none is placed, and customers are asked by SMS
    or by people. `shown_number` is what they see.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    trunk: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    shown_number: str | None = Field(default=None, pattern=r"^\+?[0-9]{3,20}$")
    ring_seconds: int = Field(default=40, ge=5, le=120)
    limits: LimitSettings = LimitSettings()
    hours: list[str] = Field(default=["09:00-12:00", "14:00-20:00"], min_length=1, max_length=10)
    virtual_prefixes: list[Digits] = ["162", "165", "167", "170", "171"]
    confirm: ConfirmSettings = ConfirmSettings()
    agent_attempts: int = Field(default=3, ge=1, le=20)
    agent_retry_minutes: float = Field(default=5, gt=0, le=1440)
    keep_days: int = Field(default=90, ge=30, le=36_500)

    @field_validator("hours")
    @classmethod
    def _are_ranges(cls, value: list[str]) -> list[str]:
        for each in value:
            if not _RANGE.fullmatch(each):
                raise ValueError(f"{each!r} is no time of day; write it like 09:00-12:00")
            begins, ends = (part.strip() for part in each.split("-"))
            if ends <= begins:
                raise ValueError(f"{each!r} ends before it begins; a night takes two ranges")
        return value

    @property
    def ranges(self) -> tuple[tuple[time, time], ...]:
        """`hours` as times of day, in order; an end of 24:00 is `time.max`."""
        return tuple(sorted(_range(each) for each in self.hours))


def _range(text: str) -> tuple[time, time]:
    begins, ends = text.split("-")
    return time.fromisoformat(begins), time.max if ends == "24:00" else time.fromisoformat(ends)
