"""A problem in config.yaml, before anybody knows on which line it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """What is wrong and the mend, and where: `location` is the path of keys from the root."""

    location: tuple[int | str, ...]
    message: str


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A sentence for a reference to `name` that leads nowhere, with the nearest name or all."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"no {kind} named {name!r}; did you mean {near!r}?"
    if not names:
        return f"no {kind} named {name!r}; none is defined, add it"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"no {kind} named {name!r}; use one of {shown}, or add it"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """What somebody who wrote `name` probably meant, if anything comes close."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), None)
