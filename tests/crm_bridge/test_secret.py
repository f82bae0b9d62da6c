"""Signing secrets: a weak, lost or readable one lets strangers write into the CRM."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from crm_bridge.errors import SecretError
from crm_bridge.secret import secret_of, variable


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    secret = secret_of("crm", tmp_path, {})
    assert secret_of("crm", tmp_path, {}) == secret
    assert secret_of("other", tmp_path, {}) != secret
    path = tmp_path / "secrets" / "webhook-crm"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    Webhook(secret)
    assert sorted(os.listdir(path.parent)) == ["webhook-crm", "webhook-other"]  # noqa: PTH208


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: secret_of("crm", tmp_path, {}), range(32)))
    assert len(secrets) == 1


def test_the_environment_wins(tmp_path: Path) -> None:
    given = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert variable("my-crm") == "HUISHENG_WEBHOOK_MY_CRM_SECRET"
    assert secret_of("my-crm", tmp_path, {variable("my-crm"): f" {given}\n"}) == given
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("bad", ["hunter2", "whsec_", "whsec_abc", "whsec_é", "whsec_" + "A" * 400])
def test_what_is_no_secret_is_refused_without_showing_it(tmp_path: Path, bad: str) -> None:
    with pytest.raises(SecretError, match="HUISHENG_WEBHOOK_CRM_SECRET: not a signing") as caught:
        secret_of("crm", tmp_path, {variable("crm"): bad})
    if bad != "whsec_":
        assert bad not in str(caught.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secret_of("crm", tmp_path, {})
    (tmp_path / "secrets" / "webhook-crm").chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        secret_of("crm", tmp_path, {})


def test_a_folder_that_cannot_be_made_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file")
    with pytest.raises(SecretError, match="HUISHENG_WEBHOOK_CRM_SECRET"):
        secret_of("crm", tmp_path, {})
