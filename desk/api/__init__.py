"""The desk's REST API, event stream, health, metrics and status page."""

from desk.api.app import create_app
from desk.api.line import Finding, LineStatus, NoLine, SpeechModel, TargetState
from desk.api.server import ApiServer, PortTaken

__all__ = [
    "ApiServer",
    "Finding",
    "LineStatus",
    "NoLine",
    "PortTaken",
    "SpeechModel",
    "TargetState",
    "create_app",
]
