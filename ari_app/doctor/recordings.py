"""Can recordings be kept, and those that are there be heard?"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ari_app.doctor.finding import Finding, fail, ok, split, warn
from ari_app.doctor.machine import room
from ari_app.recording_settings import RecordingSettings
from desk.recordings import BadKey, Keys, keys_for
from desk.recordings.container import HEADER_BYTES, key_id_in
from desk.recordings.errors import KEY_VARIABLE
from desk.recordings.intake import SEALED


def recordings(
    settings: RecordingSettings, state_dir: Path, environ: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """The folder, room on its disk if that is another than the state's, and the key."""
    folder = state_dir / "recordings"
    if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        yield fail(
            "recordings",
            f"{folder} 不可写 / is not a folder that we can write",
            "修正所有者和权限 / mend its owner and rights",
        )
        return
    if folder.exists() and folder.stat().st_dev != state_dir.stat().st_dev:
        yield room(folder)
    try:
        keys = keys_for(settings.encrypt, environ)
    except BadKey as error:
        yield fail("recordings", *split(error))
        return
    sealed = _any_sealed(folder)
    if sealed is not None and not _key_at_hand(sealed, keys):
        yield warn(
            "recordings",
            f"{sealed.name} 缺密钥,听不了 / cannot be heard: its key is not at hand",
            f"在 {KEY_VARIABLE} 的新密钥后加上旧密钥 / add the former key to {KEY_VARIABLE}, after "
            "the new one and a space",
        )
    else:
        how = "加密 / encrypted" if settings.encrypt else "不加密 / not encrypted"
        yield ok("recordings", f"{folder},{how}")


def _any_sealed(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    with os.scandir(folder) as entries:
        return next((Path(entry.path) for entry in entries if entry.name.endswith(SEALED)), None)


def _key_at_hand(sealed: Path, keys: Keys | None) -> bool:
    with sealed.open("rb") as file:
        wanted = key_id_in(file.read(HEADER_BYTES))
    return wanted is None or (keys is not None and keys.by_id(wanted) is not None)
