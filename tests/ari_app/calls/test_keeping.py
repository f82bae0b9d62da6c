"""What a talk leaves behind is brought into the store, however its pauses stand in the journal."""

from datetime import UTC, datetime

import pytest

from ari_app.calls.talk.keeping import _track
from desk.recordings import NewRecording

BEGAN = datetime(2026, 11, 22, 4, 0, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ([], []),
        ([[1.0, 3.0]], [(1.0, 3.0)]),
        ([[1.0, 3.0], [5.0]], [(1.0, 3.0), (5.0, 6.1)]),
        # Measured: paused 4.101 s after the beginning by our clock, 4.1 s of sound in the file.
        ([[4.101]], [(4.101, 4.101)]),
    ],
)
def test_pause_that_lasts_until_the_end_of_the_talk_does_not_keep_it_from_being_mixed(
    pauses: list[list[float]], expected: list[tuple[float, float]]
) -> None:
    new = NewRecording("c1", "party-c1", "party-c1.wav", 4.1, "", "party", started_at=BEGAN)
    _, track = _track({"party": "caller", "pauses": pauses}, new, BEGAN)
    assert [(round(start, 3), round(stop, 3)) for start, stop in track.pauses] == expected
