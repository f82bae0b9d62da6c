"""A line as an administrator has it: a config.yaml in a folder, `huisheng run` as a process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from ari_app.settings import Settings, load
from asterisk_conf.paths import Paths
from tests.rig.ports import free_media_ports, free_port

ROOT = Path(__file__).parents[2]
HUISHENG = str(Path(sys.executable).with_name("huisheng"))
START_SECONDS = 60.0
STOP_SECONDS = 20.0
_yaml = YAML(typ="safe", pure=True)

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class OwnLine:
    """One line's folder. Nothing runs until `running`."""

    config: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "OwnLine":
        """The project's config.yaml, on ports that nobody else on this machine uses, and open at
        any hour: tests run at night too.
        """
        config = folder / "config.yaml"
        config.write_bytes((ROOT / "config.yaml").read_bytes())
        line = cls(config)
        line.change(_free_ports)
        line.change(_always_open)
        return line

    @property
    def state(self) -> Path:
        return self.config.parent / "var"

    @property
    def settings(self) -> Settings:
        return load(self.config)

    @property
    def paths(self) -> Paths:
        return Paths.under(self.state, Path())

    @cached_property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.api.port}"

    def change(self, change: Change) -> None:
        data = _yaml.load(self.config)
        change(data)
        _yaml.dump(data, self.config)

    def command(
        self, *words: str, environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """One `huisheng` command with this configuration."""
        return subprocess.run(
            [HUISHENG, *words, "-c", str(self.config)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **(environ or {})},
            cwd=self.config.parent,
        )

    def get(self, path: str, token: str = "") -> str:
        """What the API answers; an exception unless it is 200."""
        return self.get_from(f"{self.url}{path}", token)

    @staticmethod
    def get_from(url: str, token: str = "") -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = httpx.get(url, headers=headers, timeout=10, trust_env=False)
        return response.raise_for_status().text

    def items(self, path: str, token: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        joiner = "&" if "?" in path else "?"
        after = ""
        while True:
            page = json.loads(self.get(f"{path}{joiner}limit=100{after}", token))
            found += page["items"]
            if not page["next"]:
                return found
            after = f"&cursor={page['next']}"

    def is_ready(self) -> bool:
        try:
            return bool(json.loads(self.get("/readyz"))["ready"])
        except (httpx.HTTPError, ValueError):
            return False


@dataclass(frozen=True)
class RunningLine:
    """`huisheng run`, serving. Its standard error, as far as it has come, is `log`."""

    process: "subprocess.Popen[bytes]"
    said: Path

    @property
    def log(self) -> str:
        return self.said.read_text(errors="replace")

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


@contextlib.contextmanager
def running(
    line: OwnLine, *command: str, environ: Mapping[str, str] | None = None
) -> Iterator[RunningLine]:
    """The line, ready for calls until the block ends; nothing of it outlives the block."""
    said = line.config.parent / "said"
    words = command or (HUISHENG, "run", "--json-logs", "-c", str(line.config))
    with said.open("wb") as out:
        process = subprocess.Popen(
            # A test run that is killed takes the line with it, and the line its Asterisk.
            ["setpriv", "--pdeathsig", "INT", *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=line.config.parent,
            env={**os.environ, **(environ or {})},
        )
    try:
        last = time.monotonic() + START_SECONDS
        while not line.is_ready():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < last, said.read_text()
            time.sleep(0.1)
        yield RunningLine(process, said)
    finally:
        _end(process, line)


def _end(process: "subprocess.Popen[bytes]", line: OwnLine) -> None:
    """Make sure of it: the process, and the Asterisk that would outlive it."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(line.paths.pid_file.read_text()), signal.SIGKILL)


def _always_open(data: dict[str, Any]) -> None:
    data["ivr"]["schedules"]["day"] |= {
        "workday": ["00:00-24:00"], "restday": ["00:00-24:00"], "dates": {}
    }  # fmt: skip


def _free_ports(data: dict[str, Any]) -> None:
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
