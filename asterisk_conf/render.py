"""config.yaml's `pbx:` section → the files that Asterisk reads. Pure, apart from `write`."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from asterisk_conf.errors import ConfValueError
from asterisk_conf.files import write_private
from asterisk_conf.modules import EMPTY_FILES, MODULES
from asterisk_conf.numbers import spellings
from asterisk_conf.paths import Paths
from asterisk_conf.secrets import AMI_USER, ARI_USER, Secrets, trunk_variable
from asterisk_conf.settings import PbxSettings, RegistrationTrunk

# How long a caller whom the dialplan serves alone may speak, and be silent, in seconds.
MESSAGE_SECONDS = 120
SILENCE_SECONDS = 5
_FALLBACK_MARGIN_SECONDS = 60  # for prompts, before and after the message

_FILES = (
    "asterisk.conf",
    "modules.conf",
    "logger.conf",
    "http.conf",
    "ari.conf",
    "manager.conf",
    "pjsip.conf",
    "pjsip_transport.conf",
    "extensions.conf",
    "rtp.conf",
    "musiconhold.conf",
    "queues.conf",
    "cdr.conf",
    "cdr_custom.conf",
    "indications.conf",
    "pjproject.conf",
)
SNIPPETS = (
    "extensions_huisheng.conf",
    "pjsip_huisheng.conf",
    "queues_huisheng.conf",
    "ari_huisheng.conf",
    "manager_huisheng.conf",
    "http_huisheng.txt",
)
_NOTICE = "; Rendered from config.yaml by `huisheng pbx render`: edit that file, not this one.\n"
_EMPTY = _NOTICE + "; Nothing to set; Asterisk would mention a missing file.\n"

_LONGEST_VALUE = 1000  # Asterisk reads lines of up to 8191 bytes
_DIALPLAN_WORD = re.compile(r"[A-Za-z0-9_.+/ -]*")
_PATH_TROUBLE = re.compile(r"[\x00-\x1f,;|&$(){}\[\]\"\\^]")


def render(
    pbx: PbxSettings, secrets: Secrets, paths: Paths, *, max_files: int = 1024
) -> dict[str, str]:
    """The complete configuration of an Asterisk of our own: file name → text.

    Args:
        max_files: open files that the process may have; more than the limit that it is started
            with makes it warn.

    Raises:
        ConfValueError: a value does not fit into a configuration file, or a password is missing.
    """
    _check_passwords(pbx, secrets)
    for path in (paths.home, paths.run, paths.sounds, paths.modules):
        _check_path(path)
    values = {**_values(pbx, secrets), "paths": paths, "max_files": max_files}
    files = {name: _NOTICE + _template(name).render(values) for name in _FILES}
    return {**files, **dict.fromkeys(EMPTY_FILES, _EMPTY)}


def render_snippets(pbx: PbxSettings, secrets: Secrets) -> dict[str, str]:
    """The files that an administrator `#include`s into the configuration of an existing PBX.

    Raises:
        ConfValueError: a value does not fit into a configuration file.
    """
    values = _values(pbx, secrets)
    return {name: _NOTICE + _template(name).render(values) for name in SNIPPETS}


def write(files: Mapping[str, str], folder: Path) -> list[str]:
    """Write `files` into `folder`, each atomically and for the owner's eyes only (passwords).

    Returns:
        The names whose content changed.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    changed = [name for name, text in sorted(files.items()) if _differs(folder / name, text)]
    for name in changed:
        write_private(folder / name, files[name])
    return changed


def conf_value(value: object) -> object:
    """Make `value` safe on the right-hand side of `key = value` (config.c's grammar).

    A line break would start a new setting, `;` a comment, a leading `>` would complete `=>`, and
    outer blanks are lost: the first and the last two have no escape and are refused.

    Raises:
        ConfValueError: no escape exists.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    text = str(value)
    if any(ord(char) < 32 or ord(char) == 127 or char in "\x85\u2028\u2029" for char in text):
        raise ConfValueError(f"{text!r:.60}: a control character; remove it from config.yaml")
    if text != text.strip() or text.startswith(">") or "\\" in text:
        raise ConfValueError(
            f"{text!r:.60}: must not begin or end with a blank, begin with `>` or hold a backslash"
        )
    if len(text) > _LONGEST_VALUE:
        raise ConfValueError(f"{text!r:.60}: longer than {_LONGEST_VALUE} characters")
    return text.replace(";", "\\;")


def dialplan_word(value: object) -> object:
    """Let through what has no meaning to the dialplan: letters, digits and `_ . + / -`.

    Raises:
        ConfValueError: anything else, such as `,`, `&`, `@`, `$` or brackets.
    """
    text = str(value)
    if not _DIALPLAN_WORD.fullmatch(text) or len(text) > _LONGEST_VALUE:
        raise ConfValueError(f"{text!r:.60}: not a plain word; the dialplan would interpret it")
    return value


def _values(pbx: PbxSettings, secrets: Secrets) -> dict[str, object]:
    return {
        "pbx": pbx,
        "secrets": secrets,
        "modules": MODULES,
        "ari_user": ARI_USER,
        "ami_user": AMI_USER,
        "sip_bind": _sip_bind(pbx),
        "message_seconds": MESSAGE_SECONDS,
        "silence_seconds": SILENCE_SECONDS,
        "fallback_seconds": pbx.fallback_ring_seconds + MESSAGE_SECONDS + _FALLBACK_MARGIN_SECONDS,
    }


def _sip_bind(pbx: PbxSettings) -> str:
    address = str(pbx.sip.bind)
    return f"[{address}]:{pbx.sip.port}" if ":" in address else f"{address}:{pbx.sip.port}"


def _check_passwords(pbx: PbxSettings, secrets: Secrets) -> None:
    for trunk in pbx.trunks:
        if isinstance(trunk, RegistrationTrunk) and trunk.name not in secrets.trunks:
            raise ConfValueError(
                f"trunk {trunk.name}: no password; set the environment variable "
                f"{trunk_variable(trunk.name)}"
            )


def _check_path(path: Path) -> None:
    if _PATH_TROUBLE.search(str(path)):
        raise ConfValueError(
            f"{str(path)!r}: Asterisk would misread this path; move state_dir to one without "
            "commas, brackets, quotes, `;`, `$`, `&` or `|`"
        )


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") != text
    except (OSError, UnicodeDecodeError):
        return True


@cache
def _environments() -> dict[bool, Environment]:
    environments = {}
    for dialplan in (False, True):
        environment = Environment(
            # Every inserted value passes through `finalize`: no template can forget to escape.
            finalize=dialplan_word if dialplan else conf_value,
            loader=ChoiceLoader(
                [PackageLoader("asterisk_conf", folder) for folder in ("templates", "snippets")]
            ),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - not HTML; `finalize` escapes for Asterisk
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["spellings"] = spellings
        environment.filters["digits"] = lambda number: number.removeprefix("+")
        environments[dialplan] = environment
    return environments


@cache
def _template(name: str) -> Template:
    return _environments()[name.startswith("extensions")].get_template(f"{name}.j2")
