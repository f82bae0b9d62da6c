"""The `repeat:` section of config.yaml: callers who ring about a case that we know."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from ari_app.ivr.settings import IvrSettings
from ari_app.problem import Problem
from desk.tickets import Status

SAID_STATUSES = (
    *(Status.ACCEPTED, Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING_CUSTOMER),
    *(Status.ESCALATED, Status.REOPENED, Status.RESOLVED, Status.CLOSED),
)
"""What a caller may be told of a case; 作废 and what follows another ticket is no case of his."""

PROMPTS = (
    *("repeat_open", "repeat_keys", "repeat_keys_others", "repeat_identity", "repeat_question"),
    *("repeat_solved", "repeat_not_solved", "repeat_noted", "repeat_more", "repeat_number"),
    *("repeat_wrong", *(f"repeat_state_{status.value}" for status in SAID_STATUSES)),
)
"""What such a caller hears."""


class RepeatSettings(BaseModel):
    """What a caller with a case hears before the menu; docs/repeat-caller.md says it in full."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    wait_seconds: float = Field(default=4, gt=0, le=30)
    digit_seconds: float = Field(default=5, gt=0, le=30)
    attempts: int = Field(default=3, ge=1, le=9)


def check_repeat(settings: RepeatSettings, ivr: IvrSettings) -> Iterator[Problem]:
    """Prompts that are missing."""
    asked = any(
        action.case for menu in ivr.menus.values() for action in (*menu.keys.values(), menu.failure)
    )
    for name in PROMPTS if settings.enabled or asked else ():
        if name not in ivr.prompts:
            yield Problem(
                ("ivr", "prompts"),
                f"the prompt {name!r} is missing; add it, or set repeat.enabled: false and lead no"
                " key to `case`",
            )
