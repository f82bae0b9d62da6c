"""Finding an Asterisk that can do what we need: the configured one, the system's, the private one.

The private one is Debian unstable's, unpacked into the user's cache folder by
`scripts/setup-asterisk`. It is run through its own dynamic loader, so it needs neither chroot nor
root, and the system's libraries don't matter to it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.errors import NoAsteriskError
from asterisk_conf.modules import ALL_MODULES

VERSION_TESTED = (22, 10, 1)
# 22.8 is the first with JSON control messages in chan_websocket; REST over the websocket is older.
VERSION_NEEDED = (22, 8, 0)
SETUP = "scripts/setup-asterisk"
# For rendering where no Asterisk is installed.
USUAL_MODULES_DIR = Path("/usr/lib/asterisk/modules")

Version = tuple[int, int, int]
_VERSION = re.compile(r"^Asterisk (?:certified[/-])?(\d+)\.(\d+)(?:\.(\d+))?")
_LOADER = "ld-linux*.so.*"
_QUESTION_SECONDS = 10


@dataclass(frozen=True)
class Installation:
    """One Asterisk on this machine.

    Attributes:
        argv_prefix: what to put before Asterisk's own arguments to run it.
        version: major, minor, patch.
        modules_dir: its loadable modules.
        data_dir: folder of `documentation/` and `rest-api/`.
        private: ours, out of the cache folder.
    """

    argv_prefix: tuple[str, ...]
    version: Version
    modules_dir: Path
    data_dir: Path
    private: bool

    @property
    def tested(self) -> bool:
        """Whether this is the version that this release was tested with."""
        return self.version == VERSION_TESTED

    def missing(self) -> tuple[str, ...]:
        """What it lacks, as the names of modules and files; empty: it can serve."""
        lacking = [
            f"{name}.so" for name in ALL_MODULES if not (self.modules_dir / f"{name}.so").exists()
        ]
        if not (self.data_dir / "rest-api" / "resources.json").exists():
            lacking.append("rest-api/resources.json")
        if self.version < VERSION_NEEDED:
            lacking.append(f"version {version_text(VERSION_NEEDED)} or later")
        return tuple(lacking)


def private_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `scripts/setup-asterisk` unpacks the private Asterisk; clones share it."""
    cache = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "huisheng" / "asterisk-sid"


def find(binary: Path | None = None, environ: Mapping[str, str] = os.environ) -> Installation:
    """The Asterisk to use: `binary` if configured, else a system one that lacks nothing, else
    the private one.

    Raises:
        NoAsteriskError: none is usable; the text says what each candidate lacks, and the mend.
    """
    reasons = []
    if binary is not None:
        found = _system(binary)
        if isinstance(found, Installation) and not found.missing():
            return found
        raise NoAsteriskError(f"pbx.binary: {_reason(found, binary)}; {_mend()}")
    system = shutil.which("asterisk", path=environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if system is not None:
        found = _system(Path(system))
        if isinstance(found, Installation) and not found.missing():
            return found
        reasons.append(_reason(found, Path(system)))
    folder = private_folder(environ)
    if folder.is_dir():
        found = _private(folder)
        if isinstance(found, Installation) and not found.missing():
            return found
        reasons.append(_reason(found, folder))
    said = "; ".join(reasons) or "no Asterisk is installed"
    raise NoAsteriskError(f"{said}; {_mend()}")


def parse_version(text: str) -> Version | None:
    """The version in the first line of `asterisk -V`: `Asterisk 22.10.1+dfsg…` → (22, 10, 1)."""
    found = _VERSION.match(text)
    if found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)


def version_text(version: Version) -> str:
    """(22, 10, 1) → `22.10.1`."""
    return ".".join(map(str, version))


def _mend() -> str:
    return (
        f"run {SETUP} to unpack Debian's Asterisk into {private_folder()}, or name one of "
        f"{version_text(VERSION_NEEDED)} or later in config.yaml: pbx.binary"
    )


def _system(binary: Path) -> Installation | str:
    version = _ask_version((str(binary),))
    if isinstance(version, str):
        return version
    prefix = binary.resolve().parent.parent
    modules = _first(
        "app_stasis.so",
        [
            *prefix.glob("lib/*/asterisk/modules"),
            prefix / "lib" / "asterisk" / "modules",
            prefix / "lib64" / "asterisk" / "modules",
        ],
    )
    data = _first(
        "rest-api/resources.json",
        [prefix / "share" / "asterisk", Path("/var/lib/asterisk"), prefix / "var/lib/asterisk"],
    )
    if modules is None:
        return f"{binary}: its modules are not under {prefix}/lib"
    if data is None:
        return f"{binary}: its REST descriptions (rest-api/resources.json) are not installed"
    return Installation((str(binary),), version, modules, data, private=False)


def _private(folder: Path) -> Installation | str:
    libraries = _first("libc.so.6", sorted((folder / "usr" / "lib").glob("*-linux-gnu*")))
    loader = next(
        iter(
            sorted(folder.glob("lib64/ld-linux*.so.*")) + sorted(folder.glob("lib/ld-linux*.so.*"))
        ),
        None,
    )
    if libraries is None or loader is None:
        return f"{folder}: incomplete"
    argv = (
        str(loader),
        "--library-path",
        str(libraries),
        str(folder / "usr" / "sbin" / "asterisk"),
    )
    version = _ask_version(argv)
    if isinstance(version, str):
        return version
    return Installation(
        argv,
        version,
        modules_dir=libraries / "asterisk" / "modules",
        data_dir=folder / "usr" / "share" / "asterisk",
        private=True,
    )


def _ask_version(argv: tuple[str, ...]) -> Version | str:
    """The version that `argv -V` reports, or why it doesn't."""
    try:
        answer = subprocess.run(
            [*argv, "-V"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_QUESTION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{argv[-1]}: cannot be run ({type(error).__name__})"
    version = parse_version(answer.stdout)
    if version is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        return f"{argv[-1]}: does not tell its version ({said[0] if said else 'no output'})"
    return version


def _first(name: str, folders: list[Path]) -> Path | None:
    return next((folder for folder in folders if (folder / name).exists()), None)


def _reason(found: Installation | str, where: Path) -> str:
    if isinstance(found, str):
        return found
    missing = found.missing()
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"{where} ({version_text(found.version)}) lacks {', '.join(missing[:3])}{more}"


def _main() -> int:
    """`python -m asterisk_conf.install`: for scripts/setup-asterisk."""
    try:
        found = find()
    except NoAsteriskError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    tested = "" if found.tested else f" (tested with {version_text(VERSION_TESTED)})"
    sys.stdout.write(f"{version_text(found.version)}{tested}, {found.argv_prefix[-1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
