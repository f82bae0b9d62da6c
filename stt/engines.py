"""Which recogniser hears whom, and all of them loaded once for live streams and recordings."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

from stt.engine import Engine
from stt.model import describe
from stt.recogniser import SpeechModel
from stt.settings import DEFAULT, ModelSettings, SpeechSettings
from stt.vosk_server import VoskServer

Engines: TypeAlias = dict[str, Engine]
"""Loaded engines by the key that `choose` gives."""


def choose(
    models: Sequence[ModelSettings], *, area_code: str = "", team: str = "", language: str = ""
) -> str:
    """The key of the recogniser for a call: the first of `models` that is meant for it."""
    for model in models:
        wanted = (model.area_codes, area_code), (model.teams, team), (model.languages, language)
        if all(not meant or value in meant for meant, value in wanted):
            return model.name
    return DEFAULT


async def load_engines(settings: SpeechSettings) -> Engines:
    """Load every configured model, the default one first; large ones take seconds each.

    A vosk-server is not asked anything yet: it may be down when we start.

    Raises:
        ModelError: a model cannot be loaded.
    """
    engines: Engines = {DEFAULT: await asyncio.to_thread(SpeechModel.load, describe(settings).path)}
    for model in settings.models:
        if model.path is not None:
            engines[model.name] = await asyncio.to_thread(SpeechModel.load, model.path)
        elif model.server is not None:
            engines[model.name] = VoskServer(model.server)
    return engines
