"""The `callback:` section of config.yaml: calls that we place, and how far they may go."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.settings import Name as PromptName
from ari_app.problem import Problem, unknown
from asterisk_conf.settings import IpTrunk, LineNumber, Name, PbxSettings

PROMPTS = (
    *("queue_callback_keys", "callback", "callback_greeting"),
    *("callback_agent", "callback_failed"),
)
"""What callers, customers and agents hear of a call-back."""


class CallbackSettings(BaseModel):
    """Call-backs to waiting callers who asked for one; docs/queue.md says what each means.

    Without a `trunk` none is offered and none is made. Only Chinese land lines and mobiles are
    called, in national form, and only those that begin as `allowed_prefixes` say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    trunk: Name | None = None
    shown_number: LineNumber | None = None
    allowed_prefixes: list[Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]] = ["0", "1"]
    ring_seconds: int = Field(default=40, ge=5, le=120)
    attempts: int = Field(default=3, ge=1, le=20)
    retry_minutes: float = Field(default=10, gt=0, le=1440)
    most_per_hour: int = Field(default=30, ge=1, le=10_000)
    most_at_once: int = Field(default=5, ge=1, le=1000)
    hours: PromptName | None = None


def check_callback(
    settings: CallbackSettings, pbx: PbxSettings, ivr: IvrSettings
) -> Iterator[Problem]:
    """Names that lead nowhere, and prompts that call-backs need; nothing without a trunk."""
    if settings.hours is not None and settings.hours not in ivr.schedules:
        yield Problem(("callback", "hours"), unknown("schedule", settings.hours, ivr.schedules))
    if settings.trunk is None:
        return
    trunks = {trunk.name: trunk for trunk in pbx.trunks}
    trunk = trunks.get(settings.trunk)
    if trunk is None:
        yield Problem(("callback", "trunk"), unknown("trunk", settings.trunk, trunks))
    elif isinstance(trunk, IpTrunk) and not trunk.contacts:
        yield Problem(
            ("callback", "trunk"),
            f"trunk {trunk.name} has networks only; calls need a host that is one address or name",
        )
    for name in PROMPTS:
        if name not in ivr.prompts:
            yield Problem(("ivr", "prompts"), f"the prompt {name!r} is missing; call-backs need it")
