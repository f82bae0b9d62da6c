"""The `bridge:` section of config.yaml: where tickets and timelines are delivered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebhookTarget(_Section):
    """A signed webhook (Standard Webhooks). The secret `whsec_…` comes from the environment
    variable HUISHENG_WEBHOOK_<NAME>_SECRET; without it one is generated once per target and kept
    in the state directory (`huisheng bridge secret NAME` prints it)."""

    kind: Literal["webhook"]
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    url: HttpUrl
    deadline_seconds: float = Field(default=10, gt=0, le=60)


Target = Annotated[WebhookTarget, Field(discriminator="kind")]


class BridgeSettings(_Section):
    """Targets, and how delivery is retried: full-jitter back-off between the two bounds."""

    targets: list[WebhookTarget] = []
    retry_first_seconds: float = Field(default=1, gt=0)
    retry_most_seconds: float = Field(default=600, gt=0)
    give_up_after_hours: float = Field(default=72, gt=0)
    in_flight: int = Field(default=16, ge=1, le=256)
    demo_crm_port: int = Field(default=8281, ge=0, le=65535)
