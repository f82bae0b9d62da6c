"""A caller's own words on their way to SIPp: quoted for SIP, or raw when they are bytes."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ari_app.sip_caller.plan import CallPlan

_USER_SAFE = "-_.!~*'()&=+$,;?/"
"""What the user part of a SIP URI may hold unescaped (RFC 3261, section 25.1)."""


def user_part(number: str | bytes) -> bytes:
    """The user part of a SIP URI; bytes stay as they are."""
    return number if isinstance(number, bytes) else quote(number, safe=_USER_SAFE).encode()


def display(name: str | bytes) -> bytes:
    """The display name with its quotation marks and a space behind it; bytes stay as they are."""
    if isinstance(name, bytes):
        return name
    if not name:
        return b""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" '.encode()


def fits_injection(plan: CallPlan) -> bool:
    """Whether the caller's words can stand in a line of SIPp's injection file."""
    return not any(set(word) & set(b";\r\n\0") for word in _words(plan))


def injection(plans: Sequence[CallPlan]) -> bytes:
    """SIPp's injection file: a line per call, fields display name, caller, dialled number."""
    lines = [b"SEQUENTIAL", *(b";".join((*_words(plan), b"")) for plan in plans)]
    return b"\n".join(lines) + b"\n"


def generic(plan: CallPlan, *, with_caller: bool) -> list[str | bytes | Path]:
    """The same words, and the plan's headers, as SIPp's generic parameters."""
    headers = "".join(f"\r\n{name}: {value}" for name, value in plan.headers)
    parameters: list[str | bytes | Path] = ["-key", "headers", headers]
    if with_caller:
        name, caller, dialled = _words(plan)
        parameters += ["-key", "display", name, "-key", "caller", caller]
        parameters += ["-key", "dialled", dialled]
    return parameters


def _words(plan: CallPlan) -> tuple[bytes, bytes, bytes]:
    return display(plan.display_name), user_part(plan.caller), user_part(plan.dialled)
