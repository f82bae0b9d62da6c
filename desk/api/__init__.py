"""The desk's REST API, event stream, health, metrics and status page."""

from desk.api.app import create_app
from desk.api.control import (
    AgentStateName,
    AgentView,
    CallControl,
    NoControl,
    PartyKind,
    PartyView,
    RecordingState,
    SupervisionMode,
    TalkView,
    TranscriptState,
    TransferKind,
    WaitingView,
)
from desk.api.feed import Feed
from desk.api.line import Finding, LineStatus, NoLine, SpeechModel, TargetState
from desk.api.server import ApiServer, PortTaken

__all__ = [
    "AgentStateName",
    "AgentView",
    "ApiServer",
    "CallControl",
    "Feed",
    "Finding",
    "LineStatus",
    "NoControl",
    "NoLine",
    "PartyKind",
    "PartyView",
    "PortTaken",
    "RecordingState",
    "SpeechModel",
    "SupervisionMode",
    "TalkView",
    "TargetState",
    "TranscriptState",
    "TransferKind",
    "WaitingView",
    "create_app",
]
