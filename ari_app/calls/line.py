"""The line: everything a call needs, in one object that is passed to every stage."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ari_app.ari import Client
from ari_app.calls.journal import Journal
from ari_app.calls.transcriptions import Transcriptions
from ari_app.calls.vault import Vault
from ari_app.ivr.tree import MenuTree
from ari_app.prompts.cache import Prompts
from ari_app.settings import Settings
from desk.db.engine import Database
from desk.region import RegionTable


@dataclass
class Line:
    """What the calls of one 400 number share. `menus` and `prompts` are replaced by a reload; a
    call keeps the menus it began with."""

    settings: Settings
    ari: Client
    db: Database
    journal: Journal
    regions: RegionTable
    menus: MenuTree
    prompts: Prompts
    vault: Vault
    transcriptions: Transcriptions
    now: Callable[[], datetime]  # aware, UTC
    clock: Callable[[], float]  # monotonic seconds
