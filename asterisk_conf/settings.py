"""The `pbx:` section of config.yaml: what the Asterisk configuration is rendered from."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
Extension = Annotated[str, Field(pattern=r"^[0-9]{2,8}$")]
LineNumber = Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Word = Annotated[str, Field(min_length=1, max_length=40)]

_HOST_NAME = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*$")
# What may stand in a quoted SIP display name and in a comma-separated queue member.
_PERSON = r"^[\w·.'()’ -]+$"


def _host(value: str) -> str:
    """An address, a network (CIDR) or a host name, nothing else."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        if not _HOST_NAME.fullmatch(value):
            raise ValueError(
                "needs an address, a network such as 203.0.113.0/28, or a host name"
            ) from None
    return value


Host = Annotated[str, AfterValidator(_host)]


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

    @model_validator(mode="after")
    def _room(self) -> "RtpSettings":
        if self.last - self.first < 20:
            raise ValueError("`last` must be at least 20 above `first`: two ports per call leg")
        if self.first % 2:
            raise ValueError("`first` must be even: RTP has the even ports, RTCP the odd ones")
        return self


class IpTrunk(_Section):
    """A carrier known by its addresses: no registration, calls are accepted from `hosts` only.

    `port` and `qualify_seconds` are for calls that we place: to the hosts that are single
    addresses or names. `qualify_seconds` is how often they are asked whether they live (OPTIONS);
    0: never.
    """

    kind: Literal["ip"]
    name: Name
    hosts: list[Host] = Field(min_length=1)
    port: Port = 5060
    trust_caller_id: bool = True
    qualify_seconds: int = Field(default=60, ge=0, le=3600)

    @property
    def contacts(self) -> list[str]:
        """SIP URIs for calls that we place: `hosts` without the networks."""
        return [f"sip:{_authority(host)}:{self.port}" for host in self.hosts if _single(host)]


class RegistrationTrunk(_Section):
    """A carrier that we register with (RFC 3261 §10). The password comes from the environment
    variable HUISHENG_TRUNK_<NAME>_PASSWORD, name in capitals, `-` as `_`."""

    kind: Literal["registration"]
    name: Name
    server: str = Field(min_length=1, pattern=r"^[A-Za-z0-9.-]+$")
    port: Port = 5060
    username: str = Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$")
    trust_caller_id: bool = True
    qualify_seconds: int = Field(default=60, ge=0, le=3600)


Trunk = Annotated[IpTrunk | RegistrationTrunk, Field(discriminator="kind")]


class AgentSettings(_Section):
    """One agent's phone: a PJSIP endpoint named by its extension. `contact` is for a phone at a
    fixed address; without it the phone registers with its generated password.

    Whom the agent serves: `regions` are area codes and provinces, everywhere if there are none;
    `skills` and `languages` are words of the company's own that menus ask for.
    """

    extension: Extension
    name: str = Field(min_length=1, max_length=40, pattern=_PERSON)
    team: Name
    contact: str = Field(default="", pattern=r"^(sip:[A-Za-z0-9._-]+@[A-Za-z0-9.:\[\]-]+)?$")
    skills: list[Word] = []
    regions: list[Word] = []
    languages: list[Word] = []


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
    line_numbers: list[LineNumber] = Field(default=["4001234567"], min_length=1)
    trunks: list[Trunk] = []
    agents: list[AgentSettings] = []
    ring_seconds: int = Field(default=20, ge=5, le=120)
    lease_seconds: int = Field(default=10, ge=3, le=600)
    most_calls: int = Field(default=500, ge=1, le=10_000)
    drain_seconds: int = Field(default=30, ge=0, le=3600)
    spool_dir: Path = Path("/var/spool/asterisk")
    fallback_ring_seconds: int = Field(default=0, ge=0, le=600)

    @model_validator(mode="after")
    def _unambiguous(self) -> "PbxSettings":
        for what, values in (
            ("line number", self.line_numbers),
            ("trunk", [trunk.name for trunk in self.trunks]),
            ("agent with extension", [agent.extension for agent in self.agents]),
            ("number or extension", [*self.line_numbers, *(a.extension for a in self.agents)]),
        ):
            doubled = sorted({value for value in values if values.count(value) > 1})
            if doubled:
                raise ValueError(f"{what} {doubled[0]} is given twice; remove one")
        return self


def _single(host: str) -> bool:
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        return True
    return network.num_addresses == 1


def _authority(host: str) -> str:
    address = host.partition("/")[0]
    return f"[{address}]" if ":" in address else address
