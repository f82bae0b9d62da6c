"""docs/webhooks.md: an integrator who builds on its example must be able to verify it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

from crm_bridge.connectors.webhook import ABOUT_THE_ENTRY
from crm_bridge.message import encode, message_id
from crm_bridge.policy import LEAST_ATTEMPTS, REJECTIONS
from desk.outbox import Delivery

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def _header(name: str) -> str:
    found = re.search(rf"^ +{name}: (.+)$", TEXT, re.MULTILINE)
    assert found, name
    return found[1]


def test_the_example_is_what_we_send_and_its_signature_is_right() -> None:
    found = re.search(r"```json\n(.+)\n```", TEXT)
    assert found
    example = json.loads(found[1])
    at = datetime.fromisoformat(example["timestamp"])
    payload = {
        "seq": example["data"]["seq"],
        "kind": example["type"],
        "at": example["timestamp"],
        **{k: v for k, v in example["data"].items() if k != "seq"},
    }
    delivery = Delivery(1, 3, "crm", "ticket:1", example["type"], payload, at, 0, "")
    assert encode(delivery) == found[1]
    assert message_id(delivery) == _header("webhook-id")
    secret = re.search(r"whsec_\w+", TEXT)
    assert secret
    moment = datetime.fromtimestamp(int(_header("webhook-timestamp")), UTC)
    signature = Webhook(secret[0]).sign(_header("webhook-id"), moment, found[1])
    assert signature == _header("webhook-signature")


def test_the_policy_is_told_as_it_is() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| 400"))
    assert {int(code) for code in re.findall(r"\d{3}", row)} == set(ABOUT_THE_ENTRY)
    assert f"tried {REJECTIONS} times" in row
    assert f"at least {LEAST_ATTEMPTS} attempts" in TEXT
