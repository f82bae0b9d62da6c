"""One private Asterisk for all contenders, its dialplan, its prompts."""

import math
import random
import socket
import struct
import wave
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ari_app.prompts.speak import Recording, make
from asterisk_conf import install, secrets
from asterisk_conf.paths import Paths
from asterisk_conf.secrets import ARI_USER, Secrets
from asterisk_conf.server import AsteriskServer
from asterisk_conf.settings import PbxSettings

LINE_NUMBER = "4001234567"
NUMBERS = {
    "dialplan": "6001",
    "huisheng": LINE_NUMBER,
    "client": "6003",
    "asyncari": "6004",
    "fastagi": "6005",
}
RATE = 8000
FIRST_SECONDS, SECOND_SECONDS = 1.0, 0.5
FIRST_HERTZ, SECOND_HERTZ = 500, 1000
_MEDIA_PORTS = 4000
_FILE = "benchmark_extensions.conf"


@dataclass(frozen=True)
class Bench:
    """A running Asterisk and what a contender needs to know of it. `caller`: the address that its
    calls come from; nothing else on this machine uses it."""

    server: AsteriskServer
    secrets: Secrets
    caller: str
    state: Path
    first: Path  # the prompts, without .alaw
    second: Path
    fastagi_port: int

    @property
    def target(self) -> str:
        """Where the callers send their INVITEs."""
        return f"127.0.0.1:{self.server.pbx.sip.port}"

    @property
    def config(self) -> Path:
        """The settings of this application."""
        return self.state.parent / "config.yaml"

    def briefing(self, name: str) -> dict[str, object]:
        """What the process of the contender `name` is told on its standard input."""
        return {
            "application": name,
            "ari": self.server.ari_url,
            "username": ARI_USER,
            "password": self.secrets.ari,
            "first": f"sound:{self.first}",
            "second": f"sound:{self.second}",
            "fastagi_port": self.fastagi_port,
            "config": str(self.config),
        }


async def start(folder: Path) -> Bench:
    """Render, start and complete the Asterisk whose files lie in `folder`."""
    caller = f"127.0.0.{random.randint(2, 250)}"  # noqa: S311 - apart from others, no secret
    pbx = _settings(caller)
    state = folder / "state"
    installation = install.find()
    known = secrets.load(state, pbx, {})
    server = AsteriskServer(
        installation, pbx, known, Paths.under(state, installation.modules_dir), own_lifetime=True
    )
    bench = Bench(server, known, caller, state, folder / "first", folder / "second", free_port())
    for path, hertz, seconds in (
        (bench.first, FIRST_HERTZ, FIRST_SECONDS),
        (bench.second, SECOND_HERTZ, SECOND_SECONDS),
    ):
        recording = path.with_name(f"{path.name}-recording.wav")
        _write_wave(recording, tone(hertz, seconds))
        make(Recording(path.name, recording), path.with_suffix(".alaw"))
    await server.start()
    etc = server.paths.etc
    (etc / _FILE).write_text(dialplan(bench), encoding="utf-8")
    with (etc / "extensions.conf").open("a", encoding="utf-8") as file:
        file.write(f"#include {_FILE}\n")
    await server.cli("dialplan reload")
    return bench


def dialplan(bench: Bench) -> str:
    """The numbers of the four contenders that are not this application."""
    first, second = bench.first, bench.second
    applications = "".join(
        f"exten => {NUMBERS[name]},1,Stasis({name})\n same => n,Hangup()\n"
        for name in ("client", "asyncari")
    )
    return f"""[from-trunk](+)
exten => {NUMBERS["dialplan"]},1,Goto(benchmark-ivr,s,1)
{applications}exten => {NUMBERS["fastagi"]},1,AGI(agi://127.0.0.1:{bench.fastagi_port}/ivr)
 same => n,Hangup()

[benchmark-ivr]
exten => s,1,Answer()
 same => n,Background({first})
 same => n,WaitExten(5)
 same => n,Hangup()
exten => 5,1,Playback({second})
 same => n,Hangup()
"""


def tone(hertz: int, seconds: float) -> list[int]:
    """16-bit samples of a sine at half of the full level. `hertz` divides 8000, so it repeats
    exactly."""
    period = RATE // hertz
    wave_of = [round(16000 * math.sin(2 * math.pi * n / period)) for n in range(period)]
    return [wave_of[n % period] for n in range(round(RATE * seconds))]


def free_port() -> int:
    """A port that is free for TCP and UDP on loopback now."""
    while True:
        with ExitStack() as held:
            stream = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            datagram = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _settings(caller: str) -> PbxSettings:
    first = 2 * random.randint(16_500, 28_000)  # noqa: S311 - above what other tests take
    return PbxSettings.model_validate(
        {
            "sip": {"bind": "127.0.0.1", "port": free_port()},
            "rtp": {"first": first, "last": first + _MEDIA_PORTS - 1},
            "http_port": free_port(),
            "ami_port": free_port(),
            "agi_port": free_port(),
            "line_numbers": [LINE_NUMBER],
            "most_calls": 2000,
            "trunks": [
                {"kind": "ip", "name": "carrier", "hosts": [f"{caller}/32"], "qualify_seconds": 0}
            ],
        }
    )


def _write_wave(path: Path, samples: list[int]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
