"""A folder with a config.yaml of its own on free ports, and the doctor that looks at it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ari_app.doctor import Finding, examine
from ari_app.settings import Settings, load
from tests.rig.ports import free_media_ports, free_port

SOURCE = Path(__file__).parents[3] / "config.yaml"
NOW = datetime(2026, 6, 3, 2, 0, tzinfo=UTC)
YAML_ = YAML(typ="safe", pure=True)


@dataclass
class Place:
    """One line's folder."""

    config: Path

    @property
    def state(self) -> Path:
        return self.config.parent / "var"

    @property
    def settings(self) -> Settings:
        return load(self.config)

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        data = YAML_.load(self.config)
        change(data)
        YAML_.dump(data, self.config)

    async def examined(self, now: datetime = NOW) -> dict[str, list[Finding]]:
        """Findings by check."""
        found: dict[str, list[Finding]] = {}
        for finding in await examine(self.config, lambda: now):
            found.setdefault(finding.check, []).append(finding)
        return found


def free_ports(data: dict[str, Any]) -> None:
    """Give the line ports that nobody else on this machine uses."""
    first, last = free_media_ports()
    crm = free_port()
    data["pbx"] |= {
        "sip": {"bind": "127.0.0.1", "port": free_port()},
        "rtp": {"first": first, "last": last},
        **{name: free_port() for name in ("http_port", "ami_port", "agi_port")},
    }
    data["api"]["port"] = free_port()
    data["bridge"]["demo_crm_port"] = crm
    data["bridge"]["targets"][0]["url"] = f"http://127.0.0.1:{crm}/webhook"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A line that was never started."""
    config = tmp_path / "config.yaml"
    config.write_bytes(SOURCE.read_bytes())
    place = Place(config)
    place.change(free_ports)
    return place
