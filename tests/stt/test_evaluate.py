"""The character error rate that decides between models: administrators must be able to trust it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stt.evaluate import EvaluationError, distance, evaluate, normalised, pairs
from stt.recogniser import SpeechModel
from tests.stt import wavs
from tests.stt.phrases import COMPLAINT

SHORT = st.text(alphabet="甲乙丙丁", max_size=8)


@pytest.mark.parametrize(
    ("spoken", "heard", "errors"),
    [
        ("", "", 0),
        ("退款", "", 2),
        ("", "退款", 2),
        ("要退款", "药退款", 1),
        ("甲乙丙", "乙丙丁", 2),
    ],
)
def test_distance_counts_changed_dropped_and_added_characters(
    spoken: str, heard: str, errors: int
) -> None:
    assert distance(spoken, heard) == errors


@given(SHORT, SHORT, SHORT)
def test_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, c) <= distance(a, b) + distance(b, c)
    assert abs(len(a) - len(b)) <= distance(a, b) <= max(len(a), len(b))


def test_punctuation_blanks_and_letter_form_are_no_errors() -> None:
    assert normalised("您好, WiFi 坏了!\n") == normalised("您好wifi坏了") == "您好wifi坏了"


def test_folder_is_judged_against_the_text_beside_each_recording(
    model: SpeechModel, complaint: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.wav").write_bytes(complaint.read_bytes())
    (tmp_path / "a.txt").write_text(f"\ufeff{COMPLAINT}。\n", encoding="utf-8")
    wavs.write(tmp_path / "b.wav", wavs.silence(1))
    (tmp_path / "b.txt").write_text("再见", encoding="utf-8")
    result = evaluate(model, pairs(tmp_path))
    assert result.cer == pytest.approx(2 / (len(COMPLAINT) + 2))
    assert [one.errors for one in result.judged] == [0, 2]
    assert set(result.as_dict()) == {"cer", "files", "rtf"}
    assert result.as_dict()["files"] == 2
    assert 0 < result.rtf < 1


def test_one_list_of_texts_serves_a_whole_folder(tmp_path: Path) -> None:
    wavs.write(tmp_path / "a.wav", wavs.silence(1))
    (tmp_path / "transcripts.txt").write_text("a.wav 您 好\n", encoding="utf-8")
    assert pairs(tmp_path) == [(tmp_path / "a.wav", "您 好")]


def test_recording_without_text_is_named_not_skipped(tmp_path: Path) -> None:
    wavs.write(tmp_path / "a.wav", wavs.silence(1))
    with pytest.raises(EvaluationError, match=r"a\.wav: no text; write what is said into a\.txt"):
        pairs(tmp_path)


def test_text_in_another_encoding_is_named(tmp_path: Path) -> None:
    wavs.write(tmp_path / "a.wav", wavs.silence(1))
    (tmp_path / "a.txt").write_bytes("您好".encode("gb18030"))
    with pytest.raises(EvaluationError, match=r"a\.txt: cannot be read as UTF-8"):
        pairs(tmp_path)


def test_folder_without_recordings_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no"):
        pairs(tmp_path)
    with pytest.raises(EvaluationError, match="no such folder"):
        pairs(tmp_path / "gone")
