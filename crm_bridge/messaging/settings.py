"""The `bridge.messaging:` part of config.yaml: who carries messages."""

from email.utils import parseaddr
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SmtpSettings(_Section):
    """An SMTP server. The password comes from the environment variable HUISHENG_SMTP_PASSWORD.

    security: `tls` from the first byte (465), `starttls` (587), or `none` within the house.
    """

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=465, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: str = Field(default="", max_length=320)
    sender: str = Field(max_length=320)
    deadline_seconds: float = Field(default=30, gt=0, le=300)

    @field_validator("sender")
    @classmethod
    def _an_address(cls, value: str) -> str:
        local, _, domain = parseaddr(value)[1].partition("@")
        if not local or not domain or not value.isprintable():
            raise ValueError(f"{value!r} is no address; write 回声 <service@example.cn>")
        return value


class MessagingSettings(_Section):
    """Who carries what. `file`: into <state_dir>/messages, until a provider is configured."""

    sms: Literal["file"] = "file"
    email: Literal["file"] | SmtpSettings = "file"
    in_flight: int = Field(default=8, ge=1, le=100)
