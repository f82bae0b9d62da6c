"""The journal of calls: what every call tells the desk, kept while the desk is away."""

from ari_app.calls.journal.journal import PATIENCE_SECONDS, PAUSED, SILENT_NOTES, Journal

__all__ = ["PATIENCE_SECONDS", "PAUSED", "SILENT_NOTES", "Journal"]
