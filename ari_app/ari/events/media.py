"""Events of playbacks and recordings."""

from ari_app.ari.events.base import PlaybackEvent, RecordingEvent


class PlaybackStarted(PlaybackEvent):
    """The first sound of a playback starts."""


class PlaybackContinuing(PlaybackEvent):
    """The next sound of a playback starts."""


class PlaybackFinished(PlaybackEvent):
    """A playback ended: played, stopped, or failed (`playback.state`)."""

    synthesized: bool = False


class RecordingStarted(RecordingEvent):
    """Recording runs."""


class RecordingFinished(RecordingEvent):
    """Recording ended and the file is stored. `recording.duration` in seconds."""

    synthesized: bool = False


class RecordingFailed(RecordingEvent):
    """Recording ended without a usable file (`recording.cause`)."""
