"""The `pbx:` section of config.yaml: what the Asterisk configuration is rendered from."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
Extension = Annotated[str, Field(pattern=r"^[0-9]{2,8}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SipSettings(_Section):
    """Where Asterisk listens for SIP (RFC 3261) over UDP."""

    bind: IPvAnyAddress = Field(default="127.0.0.1", validate_default=True)
    port: Port = 5060


class RtpSettings(_Section):
    """UDP ports for media (RFC 3550); two per leg. Above 20000: SIPp starts at 6000."""

    first: Port = 20000
    last: Port = 23999


class IpTrunk(_Section):
    """A carrier known by its addresses: no registration, calls are accepted from `hosts` only."""

    kind: Literal["ip"]
    name: Name
    hosts: list[str] = Field(min_length=1)
    port: Port = 5060
    trust_caller_id: bool = True


class RegistrationTrunk(_Section):
    """A carrier that we register with (RFC 3261 §10). The password comes from the environment
    variable HUISHENG_TRUNK_<NAME>_PASSWORD, name in capitals, `-` as `_`."""

    kind: Literal["registration"]
    name: Name
    server: str = Field(min_length=1)
    port: Port = 5060
    username: str = Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$")
    trust_caller_id: bool = True


Trunk = Annotated[IpTrunk | RegistrationTrunk, Field(discriminator="kind")]


class AgentSettings(_Section):
    """One agent's phone: a PJSIP endpoint named by its extension. `contact` is for a phone at a
    fixed address; without it the phone registers with its generated password."""

    extension: Extension
    name: str = Field(min_length=1, max_length=40)
    team: Name
    contact: str = Field(default="", pattern=r"^(sip:[A-Za-z0-9._-]+@[A-Za-z0-9.:\[\]-]+)?$")


class PbxSettings(_Section):
    """One PBX: ours (`mode: own`, rendered and started by us) or one that exists already."""

    mode: Literal["own", "existing"] = "own"
    binary: Path | None = None
    system_name: Name = "huisheng"
    sip: SipSettings = SipSettings()
    rtp: RtpSettings = RtpSettings()
    http_port: Port = 8088
    ami_port: Port = 5038
    agi_port: Port = 4573
    application: Name = "huisheng"
    line_numbers: list[str] = Field(default=["4001234567"], min_length=1)
    trunks: list[Trunk] = []
    agents: list[AgentSettings] = []
    ring_seconds: int = Field(default=20, ge=5, le=120)
    lease_seconds: int = Field(default=10, ge=3, le=600)
