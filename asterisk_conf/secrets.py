"""Passwords of the PBX: generated once, kept for good, readable by the owner only."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asterisk_conf.errors import SecretsError
from asterisk_conf.files import write_private
from asterisk_conf.settings import PbxSettings, RegistrationTrunk

ARI_USER = "huisheng"
AMI_USER = "huisheng"
FILE_NAME = "secrets.json"
_BYTES = 24  # 192 bits, 32 characters


@dataclass(frozen=True)
class Secrets:
    """Passwords: of ARI and AMI, of each agent's phone (by extension), of each registration
    trunk (by name; absent if its environment variable is not set)."""

    ari: str = field(repr=False)
    ami: str = field(repr=False)
    agents: Mapping[str, str] = field(repr=False)
    trunks: Mapping[str, str] = field(default_factory=dict, repr=False)


def load(state_dir: Path, pbx: PbxSettings, environ: Mapping[str, str] = os.environ) -> Secrets:
    """The passwords in `state_dir/secrets.json`; those that do not exist yet are generated.

    An agent who leaves config.yaml keeps the password, so that coming back needs no new phone
    set-up.

    Raises:
        SecretsError: the file cannot be read or written, or others may read it.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(state_dir):
            stored = _complete(state_dir / FILE_NAME, pbx)
    except OSError as error:
        raise SecretsError(f"{error.filename or state_dir}: {error.strerror}") from error
    trunks = {
        trunk.name: environ[variable]
        for trunk in pbx.trunks
        if isinstance(trunk, RegistrationTrunk)
        and environ.get(variable := trunk_variable(trunk.name))
    }
    return Secrets(ari=stored["ari"], ami=stored["ami"], agents=stored["agents"], trunks=trunks)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time: two that start together must not each make their own passwords."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _complete(path: Path, pbx: PbxSettings) -> dict[str, Any]:
    """What the file holds, and what it lacked, which is written to it."""
    stored = _read(path)
    agents = dict(stored.get("agents", {}))
    for agent in pbx.agents:
        agents.setdefault(agent.extension, secrets.token_urlsafe(_BYTES))
    complete = {
        **stored,
        "ari": stored.get("ari") or secrets.token_urlsafe(_BYTES),
        "ami": stored.get("ami") or secrets.token_urlsafe(_BYTES),
        "agents": agents,
    }
    if complete != stored:
        write_private(path, json.dumps(complete, indent=1))
    return complete


def trunk_variable(name: str) -> str:
    """The environment variable that holds a registration trunk's password."""
    return f"HUISHENG_TRUNK_{name.upper().replace('-', '_')}_PASSWORD"


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    if mode & 0o077:
        raise SecretsError(f"{path}: others may read it; run: chmod 600 {path}")
    try:
        stored = json.loads(text)
    except ValueError as error:
        raise SecretsError(
            f"{path}: not JSON; delete it to have new passwords generated"
        ) from error
    if not isinstance(stored, dict) or not isinstance(stored.get("agents", {}), dict):
        raise SecretsError(f"{path}: not what we write; delete it to have new passwords generated")
    return stored
