"""The settings of this application for the benchmark: its menu is the same IVR."""

import json
from pathlib import Path
from typing import Any

from ari_app.yaml_lines import LinedYaml

from .caller import CALLERS, number_of
from .pbx import Bench, free_port


def write(bench: Bench) -> Path:
    """A config.yaml above its state, as in a real installation (its folder is watched for new
    menus), and beside it the customers that are known to the desk."""
    pbx = bench.server.pbx.model_dump(mode="json")
    content: dict[str, Any] = {
        "state_dir": bench.state.name,
        # Asterisk belongs to the benchmark: its CPU is counted apart, and all contenders share it.
        "pbx": {**pbx, "mode": "existing"},
        "ivr": {
            "prompts": {
                # what the line plays of its own accord in other cases
                **dict.fromkeys(_SPOKEN, "喂"),
                "main": {"file": str(bench.first) + "-recording.wav"},
                "answer": {"file": str(bench.second) + "-recording.wav"},
            },
            "entry": [{"menu": "main"}],
            "menus": {
                "main": {
                    "prompt": "main",
                    "keys": {"5": {"label": "查询", "say": "answer"}},
                    "failure": {"hangup": True},
                }
            },
        },
        "bridge": {"targets": [], "demo_crm_port": 0},
        "api": {"port": free_port()},
    }
    path = bench.config
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    path.with_name("customers.csv").write_text(customers(), encoding="utf-8")
    return path


_SPOKEN = tuple(LinedYaml.read(Path(__file__).parents[2] / "config.yaml").data["ivr"]["prompts"])


def customers() -> str:
    """CSV of customers: every second caller is one."""
    rows = [f"客户{index},{number_of(index)}" for index in range(0, CALLERS, 2)]
    return "\n".join(["name,numbers", *rows])
