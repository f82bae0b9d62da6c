"""The text that an agent reads."""

import json

import pytest

from stt.transcript import Transcript, Utterance, Word, join


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["我", "要", "退款"], "我要退款"),
        (["wi", "fi", "密码"], "wi fi密码"),
        (["账号", "abc", "12", "号"], "账号abc 12号"),
        ([], ""),
    ],
)
def test_blanks_stand_only_between_latin_words(words: list[str], text: str) -> None:
    assert join(words) == text


def test_transcript_goes_into_json_with_times_and_speed() -> None:
    transcript = Transcript(
        (Utterance.of([Word("退款", 0.3, 0.81, 0.9)]),), 2.0, 0.01, "vosk/bundled"
    )
    found = json.loads(json.dumps(transcript.as_dict()))
    assert found == {
        "text": "退款",
        "words": [{"text": "退款", "start": 0.3, "end": 0.81, "confidence": 0.9}],
        "utterances": [{"text": "退款", "start": 0.3, "end": 0.81, "confidence": 0.9}],
        "seconds": 2.0,
        "real_time_factor": 0.005,
        "engine": "vosk/bundled",
    }


def test_empty_recording_has_no_speed() -> None:
    assert Transcript((), 0.0, 0.001, "vosk/bundled").real_time_factor == 0
