"""The `speech:` section of config.yaml."""

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT = "default"
"""The key of the engine that `speech: model:` names; heard wherever no other one is meant."""


class ModelSettings(BaseModel):
    """A recogniser for some callers: a Vosk model's folder, or a vosk-server's address.

    It is meant where every list that is not empty has the call's value in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40)
    path: Path | None = None
    server: str | None = None
    area_codes: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name == DEFAULT:
            raise ValueError(f"{DEFAULT} is what speech: model: is called; choose another name")
        return name

    @field_validator("server")
    @classmethod
    def _websocket(cls, server: str | None) -> str | None:
        if server is not None and not server.startswith(("ws://", "wss://")):
            raise ValueError("must be the address of a vosk-server, like ws://127.0.0.1:2700")
        return server

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.path is None) == (self.server is None):
            raise ValueError("needs either path: (a Vosk model's folder) or server: (ws://…)")
        return self


class LiveSettings(BaseModel):
    """How much of the machine may listen while callers speak; the rest is transcribed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    threads: int = Field(default=0, ge=0, le=64)
    headroom: float = Field(default=0.97, gt=0, le=1)
    most_streams: int | None = Field(default=None, ge=1)
    behind_seconds: float = Field(default=5.0, ge=0.5, le=60)
    stall_seconds: float = Field(default=5.0, ge=0.5, le=60)

    @property
    def cores(self) -> int:
        """The threads to start: 0 stands for one per core that this process may use."""
        return self.threads or len(os.sched_getaffinity(0))


class SpeechSettings(BaseModel):
    """Which Vosk model listens, and how much of the machine it may use.

    `model: None` means the bundled model, which understands synthetic speech only;
    `lexicon: None` the bundled dialect words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = None
    models: tuple[ModelSettings, ...] = ()
    hot_words: tuple[str, ...] = ()
    lexicon: Path | None = None
    threads: int = Field(default=1, ge=1, le=64)
    queue: int = Field(default=1000, ge=1)
    live: LiveSettings = LiveSettings()
    message_seconds: int = Field(default=120, ge=5, le=600)
    silence_seconds: float = Field(default=3.0, ge=1, le=30)

    @field_validator("models")
    @classmethod
    def _names_differ(cls, models: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
        names = [model.name for model in models]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two models are called {twice}; give each its own name")
        return models

    def absolute(self, home: Path) -> Self:
        """The same with every path that is relative taken from the folder `home`."""
        models = tuple(
            one if one.path is None else one.model_copy(update={"path": home / one.path})
            for one in self.models
        )
        found = {
            "model": None if self.model is None else home / self.model,
            "lexicon": None if self.lexicon is None else home / self.lexicon,
        }
        return self.model_copy(update={**found, "models": models})
