"""`huisheng pbx` as an administrator types it."""

import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ari_app.cli.pbx import app
from ari_app.settings import load
from tests.rig.asterisk import BOOT_SECONDS, run_aside, server_in
from tests.rig.ports import free_media_ports, free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped config.yaml on free ports."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    first, last = free_media_ports()
    for key in ("http_port", "ami_port", "agi_port"):
        text = re.sub(rf"^(  {key}: )\d+", rf"\g<1>{free_port()}", text, flags=re.MULTILINE)
    text = re.sub(r"sip: {bind: 127.0.0.1, port: \d+}", f"sip: {{port: {free_port()}}}", text)
    text = re.sub(r"rtp: {.*?}", f"rtp: {{first: {first}, last: {last}}}", text)
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def run(command: str, config: Path, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [command, "--config", str(config), *options])
    assert result.exit_code == code, result.output
    return result.output


def change(config: Path, old: str, new: str) -> None:
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")


def test_render_writes_where_our_asterisk_reads(config: Path, tmp_path: Path):
    assert "29 files, 29 changed" in run("render", config)
    assert " 0 changed" in run("render", config)
    written = tmp_path / "var" / "asterisk" / "etc" / "pjsip.conf"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_snippets_alone_are_written_when_only_they_are_asked_for(config: Path, tmp_path: Path):
    run("render", config, "--snippets", str(tmp_path / "snippets"))
    assert len(list((tmp_path / "snippets").iterdir())) == 6
    assert not (tmp_path / "var" / "asterisk").exists()


def test_a_missing_trunk_password_is_one_sentence(config: Path):
    change(config, "    # - {kind: registration", "    - {kind: registration")
    said = run("render", config, code=1)
    assert said.count("\n") == 1
    assert "HUISHENG_TRUNK_HOTLINE_PASSWORD" in said


def test_asking_a_pbx_that_does_not_run_is_one_sentence(config: Path):
    assert "not reachable; start Asterisk" in run("show", config, code=1)


def test_check_without_an_asterisk_still_checks_what_it_can(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    change(config, "  binary: null", f"  binary: {tmp_path}/none")
    assert "was not started" in run("check", config)


@pytest.mark.asterisk
def test_check_starts_the_shipped_settings_without_a_warning(config: Path):
    assert "starts without a warning" in run("check", config)


@pytest.mark.asterisk
def test_check_reports_what_asterisk_complains_about(config: Path):
    change(config, "hosts: [127.0.0.1/32]", "hosts: [no-such-host.invalid]")
    assert "no-such-host.invalid" in run("check", config, code=1)


@pytest.mark.asterisk
def test_a_new_agent_is_there_after_reload_and_is_shown(config: Path, installation):
    settings = load(config)
    server = server_in(settings.state_dir, installation, settings.pbx)
    run_aside(server.start(deadline=BOOT_SECONDS))
    try:
        change(
            config,
            "  agents:\n",
            '  agents:\n    - {extension: "8009", name: 新人, team: tianjin}\n',
        )
        assert "not in Asterisk" in run("show", config)
        assert "reloaded" in run("reload", config)
        shown = run("show", config)
        assert "not in Asterisk" not in shown
        for expected in ("carrier", "8009", "新人", "from-trunk", "huisheng-numbers"):
            assert expected in shown
        assert server.complaints() == []
    finally:
        run_aside(server.stop())


@pytest.mark.asterisk
def test_reload_says_what_waits_for_the_next_start(config: Path, installation):
    settings = load(config)
    server = server_in(settings.state_dir, installation, settings.pbx)
    run_aside(server.start(deadline=BOOT_SECONDS))
    try:
        change(config, "system_name: huisheng", "system_name: tianjin")
        assert "next start: asterisk.conf" in run("reload", config)
    finally:
        run_aside(server.stop())


@pytest.mark.asterisk
def test_a_configuration_that_fails_its_trial_is_not_loaded(config: Path, installation):
    settings = load(config)
    server = server_in(settings.state_dir, installation, settings.pbx)
    run_aside(server.start(deadline=BOOT_SECONDS))
    try:
        before = (server.paths.etc / "pjsip.conf").read_text()
        change(config, "hosts: [127.0.0.1/32]", "hosts: [no-such-host.invalid]")
        run("reload", config, code=1)
        assert (server.paths.etc / "pjsip.conf").read_text() == before
    finally:
        run_aside(server.stop())
