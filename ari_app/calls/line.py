"""The line: everything a call needs, in one object that is passed to every stage."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ari_app.ari import Client
from ari_app.calls.hearing import Hearing
from ari_app.calls.journal import Journal
from ari_app.calls.transcriptions import Transcriptions
from ari_app.calls.vault import Vault
from ari_app.ivr.tree import MenuTree
from ari_app.prompts.cache import Prompts
from ari_app.queue import Queue
from ari_app.settings import Settings
from desk.db.engine import Database
from desk.region import RegionTable

if TYPE_CHECKING:
    from ari_app.calls.talk.talk import Talk

Publish = Callable[[str, str, Mapping[str, Any]], None]


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
    queue: Queue
    hearing: Hearing
    now: Callable[[], datetime]  # aware, UTC
    clock: Callable[[], float]  # monotonic seconds
    publish: Publish = lambda _kind, _call_id, _body: None  # to who watches now; not kept
    talks: "dict[str, Talk]" = field(default_factory=dict)  # by call id
    callback_wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def has_extension(self, extension: str) -> bool:
        """Whether an agent has this extension."""
        return any(agent.extension == extension for agent in self.settings.pbx.agents)

    @property
    def teams(self) -> frozenset[str]:
        """The teams that agents belong to."""
        return frozenset(agent.team for agent in self.settings.pbx.agents)
