"""Where one Asterisk of ours keeps its files."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# sockaddr_un.sun_path has 108 bytes with the closing zero (unix(7)).
_SOCKET_PATH_BYTES = 107
_SOCKET_NAME = "asterisk.ctl"


@dataclass(frozen=True)
class Paths:
    """Folders of one Asterisk. `home` holds everything it writes, `run` its control socket,
    `sounds` the prompts (as `sounds/huisheng/<name>.<format>`), `modules` its loadable modules."""

    home: Path
    run: Path
    sounds: Path
    modules: Path

    @classmethod
    def under(cls, state_dir: Path, modules: Path) -> "Paths":
        """The folders of the Asterisk whose state lies in `state_dir`."""
        state_dir = state_dir.resolve()
        home = state_dir / "asterisk"
        return cls(home=home, run=_run_folder(home), sounds=state_dir / "sounds", modules=modules)

    @property
    def etc(self) -> Path:
        """The rendered configuration."""
        return self.home / "etc"

    @property
    def main_file(self) -> Path:
        """asterisk.conf, which names all other folders."""
        return self.etc / "asterisk.conf"

    @property
    def data(self) -> Path:
        """Read-only data: documentation, REST descriptions, music; `sounds` is linked into it."""
        return self.home / "data"

    @property
    def music(self) -> Path:
        """Files of the music-on-hold class."""
        return self.data / "moh"

    @property
    def log(self) -> Path:
        """Log files, call detail records and the console's output."""
        return self.home / "log"

    @property
    def spool(self) -> Path:
        """Recordings."""
        return self.home / "spool"

    @property
    def recordings(self) -> Path:
        """Where ARI recordings are written (`res_stasis_recording`)."""
        return self.spool / "recording"

    @property
    def notes(self) -> Path:
        """The dialplan's own note of every call; see `asterisk_conf.notes`."""
        return self.spool / "huisheng" / "calls.csv"

    @property
    def messages(self) -> Path:
        """What callers said while the dialplan served them alone: `<channel id>.wav`."""
        return self.spool / "huisheng" / "messages"

    @property
    def call_records(self) -> Path:
        """The CDR file, one line per finished channel. Caller ids stand in it as they were sent:
        they need not be UTF-8."""
        return self.log / "cdr-custom" / "huisheng.csv"

    @property
    def control_socket(self) -> Path:
        """The unix socket on which Asterisk takes CLI commands."""
        return self.run / _SOCKET_NAME

    @property
    def pid_file(self) -> Path:
        """Process id of the running Asterisk."""
        return self.run / "asterisk.pid"

    @property
    def console(self) -> Path:
        """Everything that Asterisk printed to standard output and error since its start."""
        return self.log / "console"

    @property
    def messages_log(self) -> Path:
        """Asterisk's log of warnings and errors."""
        return self.log / "messages"

    def folders(self) -> tuple[Path, ...]:
        """Every folder that must exist before a start."""
        return (
            self.etc,
            self.home / "cache",
            self.data,
            self.music,
            self.home / "lib",
            self.log,
            self.call_records.parent,
            self.spool,
            self.recordings,
            self.messages,
            self.run,
            self.sounds / "huisheng",
        )


def _run_folder(home: Path) -> Path:
    """`home/run`, or a short private folder if a socket's path would not fit."""
    run = home / "run"
    if len(os.fsencode(run / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
        return run
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime and len(runtime) < 60 else Path(tempfile.gettempdir())
    return base / f"huisheng-{os.getuid()}-{key}"
