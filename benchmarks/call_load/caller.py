"""The callers: one SIPp run with the scenario caller.xml."""

import asyncio
import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ari_app.sip_caller.errors import SippMissingError
from ari_app.sip_caller.ports import free_sip_port
from ari_app.sip_caller.timeline import Keys, Silence, capture, packets

SCENARIO = Path(__file__).with_name("caller.xml")
KEY = "5"
KEY_AFTER_SECONDS = 1.3
"""The first prompt lasts 1.0 s; a contender may be this much late before a key falls into it."""
CALL_SECONDS = 2.1
FIRST_MEDIA_PORT = 6000
"""The callers' address is theirs alone, so are its ports; Asterisk's media is above 20000."""
CALLERS = 2000
"""Different numbers; they repeat."""
_MARGIN_SECONDS = 20.0
_EXIT_OK, _EXIT_SOME_FAILED = 0, 1
_MOST_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Counted:
    """What SIPp says of its calls."""

    successful: int
    failed: int


def number_of(index: int) -> str:
    """A land line in Beijing: not of the home area, so that a served call leaves no ticket."""
    return f"0106000{index:04}"


def media() -> bytes:
    """What a caller sends: a few packets, which open the media path, and the key. Then silence."""
    opening = Silence(0.1, 5)
    return capture(list(packets([opening, Silence(KEY_AFTER_SECONDS - 0.1, 0), Keys(KEY)])))


async def place(
    folder: Path, *, source: str, target: str, dialled: str, rate: int, calls: int
) -> Counted:
    """Place `calls` calls at `rate` a second and wait for their end.

    Raises:
        SippMissingError: SIPp is not installed.
    """
    folder.mkdir()
    (folder / "key.pcap").write_bytes(media())
    (folder / "caller.xml").write_text(SCENARIO.read_text(encoding="utf-8"), encoding="utf-8")
    lines = ["SEQUENTIAL", *(f"{number_of(index)};" for index in range(CALLERS))]
    (folder / "callers.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    seconds = calls / rate + CALL_SECONDS + _MARGIN_SECONDS
    arguments = (
        *("-sf", "caller.xml", "-inf", "callers.csv", "-s", dialled, "-nostdin", "-aa"),
        *("-i", source, "-mi", source, "-bind_local"),
        *("-p", str(free_sip_port(source)), "-mp", str(FIRST_MEDIA_PORT)),
        *("-r", str(rate), "-rp", "1000", "-m", str(calls), "-l", str(_MOST_AT_ONCE)),
        *("-timer_resol", "1", "-timeout", str(round(seconds))),
        *("-trace_stat", "-fd", "1", "-stf", "statistics.csv"),
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "sipp", target, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
        )
    except FileNotFoundError as error:
        raise SippMissingError from error
    try:
        async with asyncio.timeout(seconds + _MARGIN_SECONDS):
            await process.wait()
    except TimeoutError:
        pass  # what has no result by now has failed
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return counted((folder / "statistics.csv").read_text(encoding="ascii"), calls)


def counted(statistics: str, calls: int) -> Counted:
    """The last line of SIPp's statistics; calls that it does not mention have failed."""
    rows = list(csv.DictReader(re.sub(r";\s*$", "", statistics, flags=re.M).splitlines(),
                               delimiter=";"))  # fmt: skip
    successful = int(rows[-1]["SuccessfulCall(C)"]) if rows else 0
    return Counted(successful, calls - successful)
