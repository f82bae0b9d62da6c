"""Doctor beside a real Asterisk: not started yet, serving, alone, and gone."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from ari_app.doctor import DOCTOR_SECONDS, Finding, examination
from ari_app.process import running_line
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from tests.ari_app.doctor.conftest import Place

HUISHENG = str(Path(sys.executable).with_name("huisheng"))

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]  # its checks have deadlines of seconds


def failed(found: dict[str, list[Finding]]) -> list[str]:
    return [f"{f.check}: {f.what}" for some in found.values() for f in some if f.level == "fail"]


async def test_a_line_that_never_ran_is_tried_and_left_as_it_was(
    place: Place, installation: Installation
):
    found = await place.examined()
    assert failed(found) == []
    assert any("starts without a warning" in finding.what for finding in found["asterisk"])
    assert not place.state.exists()


async def test_no_asterisk_is_a_failure_with_the_command_that_mends_it(place: Place):
    place.change(lambda data: data["pbx"].update(binary="/no/asterisk"))
    found = await place.examined()
    (finding,) = [one for one in found["asterisk"] if one.level == "fail"]
    assert "scripts/setup-asterisk" in finding.mend


async def test_a_trial_that_does_not_start_is_told(
    place: Place, installation: Installation, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ari_app.doctor.line.TRIAL_SECONDS", 0.01)
    (finding,) = [one for one in (await place.examined())["asterisk"] if one.level == "fail"]
    assert "not ready" in finding.what


async def test_a_serving_line_is_healthy_until_its_asterisk_dies(
    place: Place, installation: Installation, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("asterisk_conf.watch.FIRST_SECONDS", 60.0)  # it stays dead while we look
    settings = place.settings
    registry = CollectorRegistry()
    async with running_line(settings, own_lifetime=True, registry=registry) as running:
        found = await place.examined(datetime.now(UTC))
        assert failed(found) == []
        assert [one.level for one in found["line"]] == ["ok"]
        assert {one.level for one in (*found["ari"], *found["ami"], *found["ports"])} == {"ok"}
        assert [one.level for one in found["phones"]] == ["ok"], "three at fixed addresses"
        assert [one.level for one in (*found["live"], *found["spool"])] == ["ok", "ok"]
        assert "reachable" in found["bridge"][0].what  # the demo CRM listens
        assert running.asterisk is not None
        assert running.asterisk.pid is not None
        running.asterisk._process.send(signal.SIGKILL)  # type: ignore[union-attr]
        assert await running.asterisk._process.gone(5)  # type: ignore[union-attr]
        found = await place.examined(datetime.now(UTC))
        told = [finding.what for finding in found["asterisk"]]
        assert any("its Asterisk does not" in what for what in told), told


async def test_an_asterisk_that_outlived_its_application_is_told_and_holds_no_port_against_us(
    place: Place, installation: Installation
):
    settings = place.settings
    server = AsteriskServer(
        installation,
        settings.pbx,
        secrets.load(settings.state_dir, settings.pbx),
        Paths.under(settings.state_dir, installation.modules_dir),
        own_lifetime=True,
    )
    await server.start()
    try:
        found = await place.examined()
        assert failed(found) == []
        assert "serves callers alone" in next(f.what for f in found["line"] if f.level == "warn")
    finally:
        await server.stop()


def test_the_command_is_quick_and_its_exit_code_tells_health(
    place: Place, installation: Installation
):
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [HUISHENG, "doctor", *words, "-c", str(place.config)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    began = time.monotonic()
    done = run("--json")
    assert time.monotonic() - began < DOCTOR_SECONDS
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["healthy"]) == (0, "", True)
    assert set(told["findings"][0]) == {"check", "level", "what", "mend"}
    assert "0 failures" in run().stdout
    place.config.write_text("ivr: [")
    done = run("--json")
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["healthy"]) == (1, "", False)
    assert told["findings"][0]["check"] == "config"


def test_no_check_may_take_longer_than_the_whole() -> None:
    assert examination.GROUP_SECONDS < DOCTOR_SECONDS


async def test_a_pbx_of_ones_own_without_our_passwords_is_told_what_to_include(place: Place):
    place.change(lambda data: data["pbx"].update(mode="existing"))
    (finding,) = [one for one in (await place.examined())["ari"] if one.level == "fail"]
    assert "huisheng pbx render --snippets" in finding.mend
