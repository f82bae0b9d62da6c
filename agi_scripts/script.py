"""What a script is, and what it works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from agi_scripts.session import Session
from desk.db.engine import Database
from desk.region import RegionTable


@dataclass(frozen=True, slots=True)
class Services:
    """What scripts share: the desk and the settings that they need.

    Attributes:
        db: the desk's database.
        now: the present time, aware, UTC.
        recordings: the folder of messages; Asterisk writes into it, so both must see it.
        home_area_code: whose local numbers those of 7 or 8 digits are.
        table: the segment table.
        message_seconds: the longest message.
        silence_seconds: the silence that ends one.
        ticket_types: known types and their names, as in config.yaml.
        timezone: in which times are told.
    """

    db: Database
    now: Callable[[], datetime]
    recordings: Path
    home_area_code: str = "022"
    table: RegionTable = field(default_factory=RegionTable.builtin)
    message_seconds: float = 120
    silence_seconds: float = 3
    ticket_types: dict[str, str] = field(default_factory=lambda: {"message": "留言"})
    timezone: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))


@dataclass(frozen=True, slots=True)
class Script:
    """One name that the dialplan can call.

    Attributes:
        run: does the work and sets the variables; raises what the server reports as ERROR.
        waits: how many seconds it may wait for the caller beyond the limit for scripts.
        recover: finishes what was begun before a moment and not ended, because the process died;
            False if something is not ready for it yet.
    """

    name: str
    run: Callable[[Session, Services], Awaitable[None]]
    waits: Callable[[Services], float] = lambda _: 0.0
    recover: Callable[[Services, datetime], Awaitable[bool]] | None = None
