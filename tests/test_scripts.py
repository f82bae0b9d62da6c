"""The two commands of the README, as a newcomer types them, and what they say when they can't."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from asterisk_conf.install import Installation
from tests.rig.own_line import HUISHENG, ROOT, OwnLine, running

SCRIPTS = ("run", "setup", "setup-asterisk", "test")
pytestmark = [pytest.mark.asterisk, pytest.mark.slow]


@pytest.fixture
def line(tmp_path: Path) -> OwnLine:
    """Our own config.yaml on free ports, with the prompts of the checkout if it has any."""
    return OwnLine.in_folder(tmp_path)


def processes_of(folder: Path) -> list[str]:
    """Command lines that name the folder: what of a line still runs."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


def free(line: OwnLine) -> list[int]:
    """Which of the line's ports can be taken again."""
    settings = line.settings
    tcp = (
        settings.pbx.http_port, settings.pbx.ami_port, settings.pbx.agi_port, settings.api.port,
        settings.bridge.demo_crm_port,
    )  # fmt: skip
    found = []
    for kind, port in [(socket.SOCK_DGRAM, settings.pbx.sip.port)] + [
        (socket.SOCK_STREAM, port) for port in tcp
    ]:
        with socket.socket(type=kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def one_sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """What a command that failed said: one line, no traceback."""
    assert done.returncode not in (0, -signal.SIGKILL), done
    (said,) = [text for text in done.stderr.splitlines() if text.startswith("✗")] or [done.stderr]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return said


@pytest.fixture
def poor_path(tmp_path: Path) -> Iterator[Path]:
    """A PATH with the programs that a machine without our Debian packages has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("setpriv", "sh", "env"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_clean(name: str) -> None:
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False, timeout=10).returncode == 0
    checker = shutil.which("shellcheck")
    if checker is None:
        pytest.skip("no shellcheck; apt-get install shellcheck makes this test run")
    done = subprocess.run(
        [checker, script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["setup"])
def test_a_wrong_option_is_told(name: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / name, "--tset"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert "--test" in one_sentence(done)


PASSES = ("-m not alone", "-m alone")


@pytest.mark.parametrize(
    ("fails", "options", "ran", "code"),
    [
        ("", (), PASSES, 0),
        ("-m not alone", (), PASSES, 1),
        ("-m alone", (), PASSES, 1),
        ("-m", (), PASSES, 1),
        ("", ("-k", "one"), ("-k one",), 0),
        ("-k", ("-k", "one"), ("-k one",), 3),
        ("mypy", (), (), 3),
    ],
)
def test_a_failure_in_either_pass_of_the_tests_fails_the_run(
    tmp_path: Path, fails: str, options: tuple[str, ...], ran: tuple[str, ...], code: int
) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "test", tmp_path / "scripts" / "test")
    told = 'said="${0##*/} $*"; echo "$said" >> told'
    for path in [
        tmp_path / "scripts" / "setup",
        *(programs / name for name in ("ruff", "mypy", "lint-imports", "pytest")),
    ]:
        fault = f'case "$said" in *"{fails}"*) exit 3 ;; esac' if fails else ""
        path.write_text(f"#!/bin/sh\n{told}\n{fault}\n")
        path.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "scripts" / "test", *options],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    steps = (tmp_path / "told").read_text().splitlines()
    assert done.returncode == code, done
    assert steps[0] == "setup --test"
    tests = [step.removeprefix("pytest ") for step in steps if step.startswith("pytest")]
    assert [test.partition(" -n")[0] for test in tests] == list(ran)
    assert ("✗" in done.stderr) is (code == 1)


def test_setup_again_does_nothing(installation: Installation) -> None:
    """Neither apt-get, pip nor debootstrap is even started."""
    stamp = ROOT / ".venv" / ".locked"
    if not stamp.exists():
        pytest.skip("this checkout was not set up by scripts/setup")
    before = stamp.stat().st_mtime_ns
    done = subprocess.run(
        ["bash", "-x", ROOT / "scripts" / "setup"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps = [text for text in done.stderr.splitlines() if text.startswith("+")]
    assert not [step for step in steps if "pip install" in step or "apt-get install -y -q" in step]
    told = next(text for text in done.stderr.splitlines() if text.startswith("•"))
    assert told.startswith("• Asterisk: ")
    assert stamp.stat().st_mtime_ns == before


def test_the_line_starts_says_where_it_is_and_leaves_nothing(
    line: OwnLine, installation: Installation
) -> None:
    settings = line.settings
    with running(line) as served:
        said = served.log
        assert f"sip:4001234567@127.0.0.1:{settings.pbx.sip.port}" in said
        assert f"http://127.0.0.1:{settings.api.port}/" in said
        assert "huisheng demo" in said
        assert json.loads(line.get("/healthz")) == {"alive": True}
        assert "回声" in line.get("/")
        assert len(processes_of(line.config.parent)) >= 2
        assert served.stop() == 0
        assert "Traceback" not in served.log
    assert processes_of(line.config.parent) == []
    assert len(free(line)) == 6


def test_the_demo_prints_a_call_and_its_ticket_and_leaves_nothing(
    line: OwnLine, installation: Installation
) -> None:
    done = line.command("demo", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"call", "ticket"}
    assert told["call"]["ticket_number"] == told["ticket"]["number"]
    assert processes_of(line.config.parent) == []


def test_the_demo_calls_the_line_that_runs(line: OwnLine, installation: Installation) -> None:
    with running(line):
        done = line.command("demo", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        token = line.command("token", "create", "test", "--scope", "admin").stdout.strip()
        (ticket,) = line.items("/api/v1/tickets", token)
        assert ticket["number"] == told["ticket"]["number"]


def test_a_second_line_in_the_same_folder_is_refused(
    line: OwnLine, installation: Installation
) -> None:
    with running(line):
        assert "another process serves the line" in one_sentence(line.command("run"))
        assert line.is_ready()


def test_a_taken_sip_port_is_told_with_its_setting(
    line: OwnLine, installation: Installation
) -> None:
    port = line.settings.pbx.sip.port
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        said = one_sentence(line.command("run"))
    assert f"port {port}" in said
    assert "pbx.sip.port" in said
    assert processes_of(line.config.parent) == []


@pytest.mark.parametrize("port", ["api", "bridge", "agi"])
def test_other_taken_ports_are_told_and_no_asterisk_stays(
    line: OwnLine, installation: Installation, port: str
) -> None:
    settings = line.settings
    number = {
        "api": settings.api.port,
        "bridge": settings.bridge.demo_crm_port,
        "agi": settings.pbx.agi_port,
    }[port]
    with socket.socket() as other:
        other.bind(("127.0.0.1", number))
        other.listen()
        assert str(number) in one_sentence(line.command("run"))
    assert processes_of(line.config.parent) == []


@pytest.mark.parametrize("command", ["run", "demo"])
def test_a_state_folder_that_cannot_be_written_is_told(line: OwnLine, command: str) -> None:
    line.state.write_text("a file, not a folder")
    said = one_sentence(line.command(command))
    assert str(line.state) in said
    assert "state_dir" in said


def test_a_demo_without_sipp_is_told(
    line: OwnLine, installation: Installation, poor_path: Path
) -> None:
    for name in ("espeak-ng", "sox"):
        (poor_path / name).symlink_to(shutil.which(name) or name)
    said = one_sentence(line.command("demo", "--json", environ={"PATH": str(poor_path)}))
    assert "sip-tester" in said
    assert processes_of(line.config.parent) == []


@pytest.mark.parametrize("command", ["run", "demo"])
def test_prompts_that_nothing_can_speak_are_told(
    line: OwnLine, installation: Installation, poor_path: Path, command: str
) -> None:
    said = one_sentence(line.command(command, environ={"PATH": str(poor_path)}))
    assert "espeak-ng" in said
    assert "apt-get install" in said


def test_a_config_that_is_broken_is_told_with_its_line(line: OwnLine) -> None:
    line.config.write_text("pbx:\n  most_calls: many\n")
    done = line.command("run")
    assert done.returncode == 2
    assert f"{line.config}:2" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_it_starts_leaves_nothing(line: OwnLine, installation: Installation) -> None:
    """Asterisk is starting, the application is not ready: the worst moment."""
    process = subprocess.Popen(
        [HUISHENG, "run", "-c", str(line.config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while process.poll() is None and not line.paths.pid_file.exists():
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in said
    assert processes_of(line.config.parent) == []
