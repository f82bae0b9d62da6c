"""Text or recording → 8 kHz A-law, by espeak-ng and sox, ahead of time.

A file is headerless A-law (ITU-T G.711), one byte per sample: Asterisk's format_pcm reads it as
`.alaw` and sends it to an A-law trunk without transcoding.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

BYTES_PER_SECOND = 8000
CHILD_SECONDS = 60.0
TOOLS = ("espeak-ng", "sox")
_RECIPE = "1"  # part of every key: a change of the steps below makes every prompt anew
_QUIET_BELOW = "0.3%"
_PAD_SECONDS = (0.05, 0.1)
_LEVEL_DB = "-3"


class PromptError(Exception):
    """A prompt cannot be made. `str()` names the prompt (`""`: it concerns all) and the mend."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"prompt {name}: {what}" if name else what)
        self.name = name


@dataclass(frozen=True)
class Speech:
    """A text to be spoken; `words_per_minute` as espeak-ng counts them."""

    name: str
    text: str
    voice: str
    words_per_minute: int

    def key(self) -> str:
        """What the sound depends on, the tools aside, as one hash."""
        return _hash("speech", self.voice, str(self.words_per_minute), self.text)


@dataclass(frozen=True)
class Recording:
    """A recording that replaces a text: any rate, any channels, any format that sox reads."""

    name: str
    file: Path

    def key(self) -> str:
        """What the sound depends on, the tools aside, as one hash."""
        try:
            content = hashlib.sha256(self.file.read_bytes()).hexdigest()
        except OSError as error:
            raise PromptError(
                self.name, f"{self.file}: {error.strerror}; put a readable recording there"
            ) from error
        return _hash("recording", content)


def make(prompt: Speech | Recording, target: Path) -> None:
    """Write the A-law file of `prompt` to `target`, whole or not at all.

    Any number of processes may make the same file at once.

    Raises:
        PromptError: a tool is missing, fails, takes too long, or gives no sound.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="prompt-", dir=target.parent) as folder:
            _make_in(Path(folder), prompt).replace(target)
    except OSError as error:
        raise PromptError(
            prompt.name, f"{target.parent}: {error.strerror}; it must be writable and have room"
        ) from error


def _make_in(folder: Path, prompt: Speech | Recording) -> Path:
    made = folder / "prompt.alaw"
    if isinstance(prompt, Speech):
        spoken = folder / "spoken.wav"
        _speak(prompt, spoken)
        _to_alaw(prompt.name, spoken, made, trim=True)
        silent = round(sum(_PAD_SECONDS) * BYTES_PER_SECOND)
    else:
        _to_alaw(prompt.name, prompt.file, made, trim=False)
        silent = 0
    if made.stat().st_size <= silent:
        raise PromptError(prompt.name, "gives no sound; write words or use another recording")
    return made


def _speak(speech: Speech, target: Path) -> None:
    voice, speed = speech.voice, str(speech.words_per_minute)
    command = ["espeak-ng", "-b", "1", "-v", voice, "-s", speed, "-w", str(target), "--stdin"]
    _run(speech.name, command, speech.text.encode())


def _to_alaw(name: str, source: Path, target: Path, *, trim: bool) -> None:
    """A spoken text loses the silence at both ends, which a caller would wait through."""
    effects = ["channels", "1", "rate", str(BYTES_PER_SECOND)]
    if trim:
        cut = ["silence", "1", "0.01", _QUIET_BELOW, "reverse"]
        effects += [*cut, *cut, "pad", *map(str, _PAD_SECONDS)]
    effects += ["norm", _LEVEL_DB]
    encoding = ["-t", "raw", "-e", "a-law", "-b", "8"]
    _run(name, ["sox", "-D", str(source.absolute()), *encoding, str(target), *effects], b"")


def _run(name: str, command: list[str], stdin: bytes) -> None:
    tool = command[0]
    try:
        subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=CHILD_SECONDS)
    except FileNotFoundError as error:
        raise PromptError(
            name, f"{tool} is not installed; apt-get install {' '.join(TOOLS)}"
        ) from error
    except OSError as error:
        raise PromptError(name, f"{tool} cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise PromptError(
            name, f"{tool} took more than {CHILD_SECONDS:.0f} s; shorten the prompt"
        ) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit code {error.returncode}"
        raise PromptError(name, f"{tool}: {reason}{_mend(reason)}") from error


def _mend(reason: str) -> str:
    if "voice does not exist" in reason:
        return "; `espeak-ng --voices` lists those that do, cmn-latn-pinyin speaks Chinese"
    if "FAIL formats" in reason:
        return "; save the recording as WAV"
    return ""


def tools() -> str | None:
    """A hash of the installed tools, or None if one is missing.

    A tool's file (place, size, time) stands for its version: asking it costs a process each start.
    """
    identities = []
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is None:
            return None
        path = os.path.realpath(found)
        about = os.stat(path)  # noqa: PTH116
        identities.append(f"{path} {about.st_size} {about.st_mtime_ns}")
    return _hash(*identities)[:12]


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join([_RECIPE, *parts]).encode()).hexdigest()[:32]
