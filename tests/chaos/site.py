"""Where callers of the kill tests call: a config.yaml of its own, with short prompts and leases.

Each kind of talk has agents of its own, so that a round can have all of them at once.
"""

import json
from pathlib import Path
from typing import Any

from ari_app.settings import load
from tests.e2e.line_rig import CONFIG, SHORT
from tests.rig.asterisk import pbx_settings
from tests.rig.ports import free_port

TARGET = "crm"
BEIJING = "010"
LEASE_SECONDS = 5
MENU_SECONDS = 6.0
RING_SECONDS = 60
MESSAGE_SECONDS = 40
ANNOUNCEMENT = "我们的营业时间是工作日九点到十八点,欢迎您在这段时间来电。"

WAITERS, RINGERS, TALKERS = "waiters", "ringers", "talkers"
QUEUE_AGENT, RINGING_AGENT, SUPERVISOR = "8001", "8002", "8018"
AGENTS = {
    QUEUE_AGENT: WAITERS,
    "8011": WAITERS,  # who talks, so that waiting leads somewhere
    RINGING_AGENT: RINGERS,
    **dict.fromkeys(
        ("8012", "8013", "8014", "8015", "8016", "8017", SUPERVISOR, "8019", "8020", "8021"),
        TALKERS,
    ),
}
KEYS: dict[str, dict[str, Any]] = {
    "1": {"label": "投诉", "ticket": "complaint", "message": "tell"},
    "3": {"label": "营业时间", "say": "opening", "then": "main"},
    "5": {"label": "人工", "person": WAITERS},
    "6": {"label": "坐席", "person": RINGERS},
}


def write_config(folder: Path, webhook_url: str, recogniser_port: int) -> Path:
    """The project's config.yaml on free ports, its state in `folder`, always open. Callers from
    Beijing are heard by a recogniser elsewhere."""
    config = load(CONFIG).model_dump(mode="json")
    agents = [
        {
            "extension": extension,
            "name": f"坐席{extension}",
            "team": team,
            "contact": f"sip:{extension}@127.0.0.1:{free_port()}",
        }
        for extension, team in AGENTS.items()
    ]
    pbx = pbx_settings(lease_seconds=LEASE_SECONDS, ring_seconds=RING_SECONDS, agents=agents)
    config["pbx"] = pbx.model_dump(mode="json", exclude_none=True)
    config["state_dir"] = str(folder / "state")
    ivr = config["ivr"]
    ivr["prompts"] = dict.fromkeys(ivr["prompts"], SHORT) | {"opening": ANNOUNCEMENT}
    ivr["entry"] = [{"menu": "main"}]
    ivr["menus"] = {
        "main": {
            "prompt": "main",
            "timeout_seconds": MENU_SECONDS,
            "attempts": 9,
            "dial_extensions": True,
            "keys": KEYS,
            "failure": {"label": "无有效按键", "message": "nobody"},
        }
    }
    config["queue"] |= {
        "most_wait_seconds": 300,
        "wrap_up_seconds": 1,
        "unanswered_rings": 0,
        "rules": {"default": [{"after": 0, "need": ["team"]}]},
    }
    server = f"ws://127.0.0.1:{recogniser_port}"
    config["speech"] |= {
        "silence_seconds": 2.0,
        "message_seconds": MESSAGE_SECONDS,
        "models": [{"name": "elsewhere", "server": server, "area_codes": [BEIJING]}],
    }
    config["api"] |= {"port": free_port(), "log_level": "info"}
    config["bridge"] |= {
        "targets": [{"kind": "webhook", "name": TARGET, "url": webhook_url, "deadline_seconds": 2}],
        "retry_first_seconds": 0.2,
        "retry_most_seconds": 2,
        "demo_crm_port": 0,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
