"""Finite-state transducers as text, and OpenFst's command-line tools that compile them."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

LOOK_AHEAD = "olabel_lookahead"
"""OpenFst's type that lets the decoder compose lexicon and grammar while it listens."""


class FstToolError(Exception):
    """An OpenFst tool is missing or failed; the message says which and why."""


@dataclass
class Fst:
    """A transducer whose start state is 0."""

    arcs: list[tuple[int, int, int, int, float]] = field(default_factory=list)
    """(from, to, input label, output label, cost)"""
    finals: dict[int, float] = field(default_factory=dict)
    size: int = 1

    def state(self) -> int:
        """A new state."""
        self.size += 1
        return self.size - 1

    def arc(self, source: int, target: int, label: int, output: int, cost: float = 0.0) -> None:
        """Add an arc; label 0 is epsilon."""
        self.arcs.append((source, target, label, output, cost))

    def text(self) -> str:
        """OpenFst's text form; state 0 comes first, which makes it the start state."""
        arcs = (f"{s} {t} {i} {o} {cost:.5g}\n" for s, t, i, o, cost in sorted(self.arcs))
        finals = (f"{state} {cost:.5g}\n" for state, cost in sorted(self.finals.items()))
        return "".join([*arcs, *finals])


def write_look_ahead(fst: Fst, path: Path, scratch: Path) -> dict[int, int]:
    """Write `fst` to `path` for look-ahead composition on its output labels.

    Returns:
        Old output label → new one: the conversion renumbers them, and everything else that uses
        them must follow.

    Raises:
        FstToolError: OpenFst or its look-ahead library is missing, or the conversion failed.
    """
    environment = {**os.environ, "LD_LIBRARY_PATH": str(_plugin_folder(scratch))}
    pairs = scratch / "relabel"
    compiled = _run(["fstcompile"], fst.text().encode())
    by_output = _run(["fstarcsort", "--sort_type=olabel"], compiled)
    convert = ["fstconvert", f"--fst_type={LOOK_AHEAD}", f"--save_relabel_opairs={pairs}"]
    path.write_bytes(_run(convert, by_output, environment))
    return dict(_pair(row) for row in pairs.read_text().splitlines())


def write_const(fst: Fst, path: Path) -> None:
    """Write `fst` to `path`, arcs sorted by input label, in OpenFst's compact constant form.

    Raises:
        FstToolError: OpenFst is missing or failed.
    """
    compiled = _run(["fstcompile"], fst.text().encode())
    by_input = _run(["fstarcsort", "--sort_type=ilabel"], compiled)
    path.write_bytes(_run(["fstconvert", "--fst_type=const"], by_input))


def _pair(row: str) -> tuple[int, int]:
    old, new = row.split()
    return int(old), int(new)


def _plugin_folder(scratch: Path) -> Path:
    """Debian ships the look-ahead types in a library whose name fstconvert does not look for."""
    name = "libfstlookahead.so.*"
    found = sorted([*Path("/usr/lib").glob(f"*/{name}"), *Path("/usr/lib").glob(name)])
    if not found:
        raise FstToolError("libfstlookahead.so is missing; install libfst22 (Debian 12)")
    link = scratch / f"{LOOK_AHEAD}-fst.so"
    if not link.is_symlink():
        link.symlink_to(found[0])
    return scratch


def _run(command: list[str], data: bytes, environment: dict[str, str] | None = None) -> bytes:
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=True, env=environment)
    except FileNotFoundError as error:
        raise FstToolError(f"{command[0]} is missing; install libfst-tools") from error
    except subprocess.CalledProcessError as error:
        complaint = error.stderr.decode(errors="replace").strip()
        raise FstToolError(f"{command[0]} failed: {complaint}") from error
    return done.stdout
