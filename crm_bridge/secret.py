"""Secrets of targets: signing secrets of webhooks (Standard Webhooks: `whsec_` and base64 of 24 to
64 bytes), and the tokens of Zammad's CTI interface."""

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from crm_bridge.errors import SecretError

PREFIX = "whsec_"
_BYTES = 32
_SIZES = range(24, 65)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,200}")


def variable(name: str) -> str:
    """The environment variable with the secret of the webhook target `name`."""
    return f"HUISHENG_WEBHOOK_{_in_capitals(name)}_SECRET"


def token_variable(name: str) -> str:
    """The environment variable with the token of the Zammad target `name`."""
    return f"HUISHENG_ZAMMAD_{_in_capitals(name)}_TOKEN"


def zammad_token(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The token at the end of the endpoint that Zammad shows under Integrations, CTI (generic).

    Raises:
        SecretError: it is not set, or no such token.
    """
    token = environ.get(token_variable(name), "").strip()
    if not _TOKEN.fullmatch(token):
        raise SecretError(
            f"{token_variable(name)}: {'not set' if not token else 'not a token'}; Zammad shows "
            "it as the last part of the endpoint under Admin, Integrations, CTI (generic)"
        )
    return token


def _in_capitals(name: str) -> str:
    return re.sub("[^A-Z0-9]", "_", name.upper())


def secret_of(name: str, state_dir: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The secret of a target: from the environment, else from its file, which is made once.

    Raises:
        SecretError: it is no Standard Webhooks secret, its file is open to others, or the folder
            cannot be written.
    """
    given = environ.get(variable(name))
    if given:
        return _checked(given.strip(), variable(name))
    path = state_dir / "secrets" / f"webhook-{name}"
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretError(f"{path} can be read by others; chmod 600 {path}")
        return _checked(path.read_text(encoding="ascii", errors="replace").strip(), str(path))
    except OSError as error:
        raise SecretError(
            f"{path}: {error.strerror}; make the folder writable, or set {variable(name)}"
        ) from error


def _make(path: Path) -> None:
    """Write a new secret, whole or not at all; the first of several processes wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    secret = PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        part.unlink()


def _checked(secret: str, place: str) -> str:
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(PREFIX) or size not in _SIZES:
        raise SecretError(
            f"{place}: not a signing secret; it is {PREFIX} followed by base64 of "
            f"{_SIZES.start} to {_SIZES.stop - 1} random bytes"
        )
    return secret
