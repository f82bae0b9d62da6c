"""All prompts of a configuration as audio files, made once and found again at the next start."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ari_app.ivr.settings import IvrSettings
from ari_app.prompts.speak import BYTES_PER_SECOND, PromptError, Recording, Speech, make, tools

Progress = Callable[[int, int], None]
"""Called with (prompts made, prompts to make) as the work goes on, and first with (0, n)."""

DIGITS = "零幺二三四五六七八九"
"""How a number is read out digit by digit: 1 is 幺, as on the telephone, never taken for 七."""

SUFFIX = ".alaw"
_AT_ONCE = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Prompts:
    """Where each prompt's audio is, by its name in config.yaml."""

    files: Mapping[str, Path]
    lengths: Mapping[str, float]

    def media(self, name: str) -> str:
        """The ARI media URI of a prompt. Asterisk adds the extension of the format it prefers."""
        return f"sound:{self.files[name].with_suffix('')}"

    def digits(self, number: str) -> list[str]:
        """The media URIs that read `number` out digit by digit; what is no digit is left out."""
        return [self.media(digit_name(d)) for d in number if d in "0123456789"]

    def seconds(self, name: str) -> float:
        """How long a prompt plays."""
        return self.lengths[name]

    def keeping(self, older: "Prompts") -> "Prompts":
        """These, and what `older` has beyond them: calls on older menus may still play those."""
        return Prompts({**older.files, **self.files}, {**older.lengths, **self.lengths})


def digit_name(digit: str) -> str:
    """The name of a digit's prompt; no name in config.yaml can be the same."""
    return f"digit-{digit}"


@dataclass(frozen=True)
class PromptCache:
    """A folder of prompts, each named by a hash of what it is made from.

    Nothing in it is ever changed in place, so processes may share it and calls may play from it
    while a new configuration is prepared. Texts that went out of use stay: 8 kB a second.
    """

    folder: Path

    @classmethod
    def prepare(cls, ivr: IvrSettings, folder: Path, progress: Progress | None = None) -> "Prompts":
        """The prompts of `ivr` and the ten digits, making what `folder` does not have yet.

        Blocks for about 20 ms per new prompt; files named in `ivr` must be absolute.

        Raises:
            PromptError: one cannot be made, or `folder` cannot be written.
        """
        cache = cls(folder.absolute())
        if "," in str(cache.folder):
            # ARI takes a comma as the end of one medium of several
            raise PromptError("", f"{cache.folder}: Asterisk cannot play from a path with a comma")
        present = tools()
        files = {p.name: cache.place(p, present) for p in wanted(ivr)}
        missing = {p.name: p for p in wanted(ivr) if not files[p.name].is_file()}
        if missing:
            cache._make(missing, files, progress or _untold)
        lengths = {name: os.stat(f).st_size / BYTES_PER_SECOND for name, f in files.items()}  # noqa: PTH116
        return Prompts(files, lengths)

    def place(self, prompt: Speech | Recording, present: str | None) -> Path:
        """Where the file of `prompt` made by the tools `present` belongs.

        Without tools, a file made by any version of them serves, so that a folder made on
        another machine can be brought along.
        """
        key = prompt.key()
        if present is None:
            made = sorted(self.folder.glob(f"{key}-*{SUFFIX}"))
            return made[-1] if made else self.folder / f"{key}{SUFFIX}"
        return self.folder / f"{key}-{present}{SUFFIX}"

    def _make(
        self,
        missing: Mapping[str, Speech | Recording],
        files: Mapping[str, Path],
        progress: Progress,
    ) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PromptError(
                next(iter(missing)), f"{self.folder} cannot be made: {error.strerror}"
            ) from error
        progress(0, len(missing))
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="prompts") as pool:
            made = pool.map(lambda p: make(p, files[p.name]), missing.values())
            try:
                for done, _ in enumerate(made, start=1):
                    progress(done, len(missing))
            except PromptError:
                pool.shutdown(cancel_futures=True)
                raise


def wanted(ivr: IvrSettings) -> Iterable[Speech | Recording]:
    """Everything a caller can hear: the prompts of config.yaml and the ten digits."""
    for name, prompt in ivr.prompts.items():
        if prompt.file is not None:
            yield Recording(name, prompt.file)
        else:
            yield Speech(name, prompt.text, ivr.voice, ivr.words_per_minute)
    for digit, word in enumerate(DIGITS):
        yield Speech(digit_name(str(digit)), word, ivr.voice, ivr.words_per_minute)


def install(prompts: Prompts, sounds_dir: Path) -> Path:
    """Copy every prompt to `sounds_dir`/huisheng/<name>.alaw, and take away what is no prompt.

    The dialplan plays `huisheng/<name>` from there when it serves a caller without us, so these
    are copies: they outlive the cache and need no access to it. Returns the folder.
    """
    folder = sounds_dir / "huisheng"
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in prompts.files.items():
        target = folder / f"{name}{SUFFIX}"
        sound = file.read_bytes()
        if not target.is_file() or target.read_bytes() != sound:
            part = folder / f".{name}.{os.getpid()}-{threading.get_ident()}"
            part.write_bytes(sound)
            part.replace(target)
    for found in folder.glob(f"*{SUFFIX}"):
        if found.stem not in prompts.files:
            found.unlink(missing_ok=True)
    return folder


def _untold(done: int, total: int) -> None:
    """Progress that nobody watches."""
