"""Asterisk's objects, in ari-py's manner: `await channel.answer()`."""

from ari_app.ari.resources.base import Repository, Resource
from ari_app.ari.resources.bridge import Bridge, Bridges
from ari_app.ari.resources.channel import Channel
from ari_app.ari.resources.channels import Channels
from ari_app.ari.resources.media import (
    LiveRecording,
    Playback,
    Playbacks,
    Recordings,
    StoredRecording,
)
from ari_app.ari.resources.system import Applications, Asterisk

__all__ = [
    "Applications",
    "Asterisk",
    "Bridge",
    "Bridges",
    "Channel",
    "Channels",
    "LiveRecording",
    "Playback",
    "Playbacks",
    "Recordings",
    "Repository",
    "Resource",
    "StoredRecording",
]
