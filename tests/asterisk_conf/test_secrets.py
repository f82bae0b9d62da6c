"""Are passwords made once, kept, and kept from others?"""

import stat
from pathlib import Path

import pytest

from asterisk_conf import secrets
from asterisk_conf.errors import SecretsError
from asterisk_conf.settings import PbxSettings

PBX = PbxSettings.model_validate(
    {
        "trunks": [
            {
                "kind": "registration",
                "name": "hot-line",
                "server": "sip.example.cn",
                "username": "u",
            }
        ],
        "agents": [{"extension": "8001", "name": "张敏", "team": "tianjin"}],
    }
)
NOBODY = PbxSettings()


def test_a_restart_keeps_every_password(tmp_path: Path):
    first = secrets.load(tmp_path / "var", PBX, {})
    assert secrets.load(tmp_path / "var", PBX, {}) == first
    assert len({first.ari, first.ami, first.agents["8001"]}) == 3
    assert min(map(len, (first.ari, first.ami, first.agents["8001"]))) >= 32


def test_others_on_the_machine_cannot_read_them(tmp_path: Path):
    secrets.load(tmp_path / "var", PBX, {})
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "var" / "secrets.json").stat().st_mode) == 0o600
    (tmp_path / "var" / "secrets.json").chmod(0o644)
    with pytest.raises(SecretsError, match="chmod 600"):
        secrets.load(tmp_path / "var", PBX, {})


def test_an_agent_who_comes_back_needs_no_new_phone_set_up(tmp_path: Path):
    before = secrets.load(tmp_path, PBX, {})
    secrets.load(tmp_path, NOBODY, {})
    assert secrets.load(tmp_path, PBX, {}).agents == before.agents


def test_a_trunks_password_comes_from_the_environment_and_is_never_stored(tmp_path: Path):
    found = secrets.load(tmp_path, PBX, {"HUISHENG_TRUNK_HOT_LINE_PASSWORD": "carrier-pass"})
    assert found.trunks == {"hot-line": "carrier-pass"}
    assert "carrier-pass" not in (tmp_path / "secrets.json").read_text()
    assert "carrier-pass" not in repr(found)


@pytest.mark.parametrize("content", ["", "[]", "{", "\udcff"])
def test_a_broken_file_is_named_with_its_mend(tmp_path: Path, content: str):
    path = tmp_path / "secrets.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(SecretsError, match="delete it"):
        secrets.load(tmp_path, PBX, {})
