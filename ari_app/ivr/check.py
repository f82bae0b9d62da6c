"""Checks of the `ivr:` section that go across its parts: names that must exist, menus that a
caller could never leave."""

from dataclasses import dataclass
from pathlib import Path

from ari_app.ivr.settings import IvrSettings
from asterisk_conf.settings import PbxSettings
from desk.settings import TicketSettings


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: `location` is the path of keys from the root of config.yaml."""

    location: tuple[int | str, ...]
    message: str


def check_ivr(
    ivr: IvrSettings, pbx: PbxSettings, tickets: TicketSettings, home: Path
) -> list[Problem]:
    """Every problem of the section, in the order of the file; empty when it can be used."""
    raise NotImplementedError
