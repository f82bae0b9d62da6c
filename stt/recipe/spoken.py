"""Speech for measuring and testing, made by the espeak-ng and sox programs: 8 kHz A-law WAV."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

VOICE = "cmn-latn-pinyin"
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Voice:
    """A voice of espeak-ng: variant, words a minute, pitch 0 … 100."""

    variant: str = ""
    speed: int = 175
    pitch: int = 50

    def __str__(self) -> str:
        return f"{self.variant or 'default'}, speed {self.speed}, pitch {self.pitch}"


def say(text: str, wav: Path, voice: Voice = Voice()) -> None:
    """Write `text`, spoken over a telephone line, to `wav`.

    Raises:
        subprocess.SubprocessError, FileNotFoundError: espeak-ng or sox failed or is missing.
    """
    name = f"{VOICE}+{voice.variant}" if voice.variant else VOICE
    settings = ["-v", name, "-s", str(voice.speed), "-p", str(voice.pitch)]
    speech = subprocess.run(
        ["espeak-ng", *settings, "--stdout", text],
        check=True,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
    ).stdout
    target = ["-r", "8000", "-c", "1", "-e", "a-law", str(wav)]
    effects = ["gain", "-n", "-3", "pad", "0.3", "0.5"]
    # espeak-ng writes a stream whose header has no length: sox must take it to the end
    subprocess.run(
        ["sox", "--no-dither", "--ignore-length", "-t", "wav", "-", *target, *effects],
        input=speech,
        check=True,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
    )
