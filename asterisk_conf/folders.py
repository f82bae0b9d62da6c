"""The folders and generated data files of an Asterisk of ours, made ready before it starts."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from asterisk_conf import tones
from asterisk_conf.documentation import corrected
from asterisk_conf.errors import StartError
from asterisk_conf.files import write_private
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths

_PUBLIC = 0o644


def prepare(paths: Paths, installation: Installation) -> None:
    """Make every folder, link the installation's data, write music, tone and documentation.

    Repeatable: what is there and right stays.

    Raises:
        StartError: a folder cannot be made, or the socket's folder belongs to somebody else.
    """
    try:
        for folder in paths.folders():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _own(paths.run)
        _link(paths.data / "rest-api", installation.data_dir / "rest-api")
        _link(paths.data / "sounds", paths.sounds)
        _document(paths.data / "documentation", installation.data_dir / "documentation")
        _once(paths.music / "waiting.wav", tones.music)
        _once(paths.sounds / "beep.wav", tones.beep)
        _once(paths.sounds / "huisheng" / "beep.wav", tones.beep)
    except OSError as error:
        raise StartError(f"{error.filename}: {error.strerror}; check rights and space") from error


def _own(folder: Path) -> None:
    """Refuse a socket's folder that somebody else made: they could swap the socket."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise StartError(f"{folder}: not a folder of yours; remove it")
    folder.chmod(0o700)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _document(folder: Path, shipped: Path) -> None:
    """A copy of the shipped documentation whose gap is mended; see `documentation`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for source in shipped.glob("appdocsxml.*"):
        _link(folder / source.name, source)
    source, copy = shipped / "core-en_US.xml", folder / "core-en_US.xml"
    if copy.exists() and copy.stat().st_mtime == source.stat().st_mtime:
        return
    write_private(copy, corrected(source.read_text(encoding="utf-8")), _PUBLIC)
    age = source.stat().st_mtime
    os.utime(copy, (age, age))


def _once(path: Path, content: Callable[[], bytes]) -> None:
    if not path.exists():
        write_private(path, content(), _PUBLIC)
