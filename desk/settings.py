"""The `database:`, `tickets:` and `api:` sections of config.yaml."""

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from desk.house import FieldsByType, FieldSettings, clashes


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Section):
    """Where the desk keeps its records. Empty `url`: SQLite in the state directory."""

    url: str = Field(default="", pattern=r"^(postgresql://.*|sqlite:///.*)?$")
    wait_seconds: float = Field(default=30, gt=0)


_FIELDS: FieldsByType = {
    "complaint": {"product": FieldSettings(label="产品")},
    "repair": {
        "product": FieldSettings(label="产品", required=True),
        "serial": FieldSettings(label="序列号"),
        "bought_on": FieldSettings(label="购买日期", kind="date"),
        "warranty": FieldSettings(label="保修期内", kind="yes_no"),
    },
}


class TicketSettings(_Section):
    """Which calls become tickets by themselves, their types, and the types' fields; the share of
    those made 作废 that is put before a supervisor.
    """

    area_codes: list[Annotated[str, Field(pattern=r"^0[0-9]{2,3}$")]] = ["022"]
    abandoned: bool = True
    talked: bool = True
    types: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")], str] = {
        "complaint": "投诉",
        "repair": "报修",
        "consult": "咨询",
        "abandoned": "未接通来电",
        "message": "留言",
        "call": "来电",
        "callback": "回电",
    }
    fields: FieldsByType = _FIELDS
    void_sample: float = Field(default=0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _fields_of_types(self) -> Self:
        for name in self.fields:
            if name not in self.types:
                raise ValueError(f"fields: there is no type {name!r}; add it to `types`")
        for name, first, second in clashes(self.fields):
            raise ValueError(
                f"fields: {name} is of another kind in {second} than in {first}; rename one"
            )
        return self


class LimitSettings(_Section):
    """How many requests a minute the API serves: of a token or a person, of an address that shows
    no valid token, and log-ins with one name or from one address.
    """

    requests: int = Field(default=1200, ge=1)
    failures: int = Field(default=60, ge=1)
    logins: int = Field(default=20, ge=1)


class SessionSettings(_Section):
    """How long a log-in lasts: altogether, and unused."""

    hours: float = Field(default=12, gt=0, le=24 * 30)
    idle_hours: float = Field(default=2, gt=0)


class ApiSettings(_Section):
    """REST API and status page. Loopback unless told otherwise. `proxies`: those whose
    `X-Forwarded-For` says who asks.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8280, ge=0, le=65535)
    stream_clients: int = Field(default=100, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    limits: LimitSettings = LimitSettings()
    sessions: SessionSettings = SessionSettings()
    proxies: list[str] = ["127.0.0.1/32", "::1/128"]

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            ip_network(network)  # its own words say what is wrong
        return networks
