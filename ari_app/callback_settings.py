"""The `callback:` section of config.yaml: calling back who asked for it while waiting."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.settings import Name as PromptName
from ari_app.problem import Problem, unknown

PROMPTS = (
    *("queue_callback_keys", "callback", "callback_greeting"),
    *("callback_agent", "callback_failed"),
)
"""What callers, customers and agents hear of a call-back."""


class CallbackSettings(BaseModel):
    """Call-backs to waiting callers who asked for one; docs/queue.md says what each means.

    Without `outbound.trunk` none is offered and none is made; `outbound.limits` bounds them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ring_seconds: int = Field(default=40, ge=5, le=120)
    attempts: int = Field(default=3, ge=1, le=20)
    retry_minutes: float = Field(default=10, gt=0, le=1440)
    hours: PromptName | None = None


def check_callback(settings: CallbackSettings, calls: bool, ivr: IvrSettings) -> Iterator[Problem]:
    """Names that lead nowhere, and prompts that call-backs need where `calls` are made at all."""
    if settings.hours is not None and settings.hours not in ivr.schedules:
        yield Problem(("callback", "hours"), unknown("schedule", settings.hours, ivr.schedules))
    for name in PROMPTS if calls else ():
        if name not in ivr.prompts:
            yield Problem(("ivr", "prompts"), f"the prompt {name!r} is missing; call-backs need it")
