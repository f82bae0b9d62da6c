"""The `bridge:` section of config.yaml: where tickets and timelines are delivered."""

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl

from crm_bridge.messaging.settings import MessagingSettings
from desk.outbox import EVERYTHING

_KIND = re.compile(r"\*|[a-z_]+\.(\*|[a-z_]+)")


def _kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    for kind in kinds:
        if not _KIND.fullmatch(kind):
            raise ValueError(f"{kind!r} is not a kind such as ticket.opened, ticket.* or *")
    return kinds


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AnyTarget(_Section):
    """What every kind of target has."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    url: HttpUrl
    deadline_seconds: float = Field(default=10, gt=0, le=60)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The kinds of timeline entries that are sent there."""
        return EVERYTHING


class WebhookTarget(AnyTarget):
    """A signed webhook (Standard Webhooks). The secret `whsec_…` comes from the environment
    variable HUISHENG_WEBHOOK_<NAME>_SECRET; without it one is generated once per target and kept
    in the state directory (`huisheng bridge secret NAME` prints it)."""

    kind: Literal["webhook"]
    kinds: Annotated[tuple[str, ...], AfterValidator(_kinds), Field(min_length=1)] = EVERYTHING

    @property
    def wanted(self) -> tuple[str, ...]:
        """The kinds of timeline entries that are sent there."""
        return self.kinds


class ZammadTarget(AnyTarget):
    """The generic CTI interface of a Zammad at `url` (its address, without path and token). The
    token comes from the environment variable HUISHENG_ZAMMAD_<NAME>_TOKEN.

    number: our own number, from which outbound calls are shown to come; empty: `anonymous`.
    queue: the name under which Zammad's caller log files the calls; empty: the number that was
    called. answering: for an agent's extension the telephone number, login or id of that user in
    Zammad; an extension that is not here goes as it is.
    """

    kind: Literal["zammad_cti"]
    number: str = Field(default="", max_length=40)
    queue: str = Field(default="", max_length=250)
    answering: dict[str, str] = {}

    @property
    def wanted(self) -> tuple[str, ...]:
        """The kinds of timeline entries that are sent there."""
        return ("call.received", "call.placed", "agent.answered", "call.ended")


Target: TypeAlias = Annotated[WebhookTarget | ZammadTarget, Field(discriminator="kind")]


class BridgeSettings(_Section):
    """Targets, and how delivery is retried: full-jitter back-off between the two bounds.

    keep_days: how long is remembered what a target has taken.
    """

    targets: list[Target] = []
    retry_first_seconds: float = Field(default=1, gt=0)
    retry_most_seconds: float = Field(default=600, gt=0)
    give_up_after_hours: float = Field(default=72, gt=0)
    keep_days: float = Field(default=30, gt=0)
    in_flight: int = Field(default=16, ge=1, le=256)
    messaging: MessagingSettings = MessagingSettings()
    demo_crm_port: int = Field(default=8281, ge=0, le=65535)

    @property
    def wanted(self) -> dict[str, tuple[str, ...]]:
        """By target, the kinds of timeline entries that are sent there."""
        return {target.name: target.wanted for target in self.targets}
