"""Which model listens: nobody may take the toy for the real thing, or meet a stack trace."""

import shutil
from pathlib import Path

import pytest

from stt.errors import ModelError
from stt.model import BUNDLED, check, describe
from stt.recogniser import SpeechModel
from stt.settings import SpeechSettings


def test_bundled_model_is_used_by_default_and_warns_in_both_languages() -> None:
    info = describe(SpeechSettings())
    assert (info.path, info.bundled) == (BUNDLED, True)
    assert "听不懂真人" in info.warning
    assert "not people" in info.warning
    assert "vosk-model-small-cn-0.22" in info.warning


def test_configured_model_is_used_without_a_warning(tmp_path: Path) -> None:
    info = describe(SpeechSettings(model=tmp_path))
    assert (info.path, info.bundled, info.warning) == (tmp_path, False, "")


def test_naming_the_bundled_folder_does_not_silence_the_warning() -> None:
    assert describe(SpeechSettings(model=BUNDLED / ".." / BUNDLED.name)).warning


def test_bundled_model_is_small_and_honest() -> None:
    size = sum(path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file())
    assert size < 4_000_000
    readme = (BUNDLED / "README").read_text(encoding="utf-8")
    assert "does NOT understand people" in readme
    assert "听不懂真人" in readme


def test_transcripts_say_which_model_made_them(model: SpeechModel, tmp_path: Path) -> None:
    assert model.name == "vosk/bundled"
    assert SpeechModel(tmp_path / "vosk-model-cn-0.22", None).name == "vosk/vosk-model-cn-0.22"


def test_missing_model_folder_is_one_sentence_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no such folder; correct speech: model: in config\.yaml"):
        SpeechModel.load(tmp_path / "gone")


def test_zip_that_was_not_unpacked_is_recognised(tmp_path: Path) -> None:
    packed = tmp_path / "vosk-model-small-cn-0.22.zip"
    packed.write_bytes(b"PK")
    with pytest.raises(ModelError, match="unpack it and give the folder"):
        check(packed)


def test_folder_around_the_model_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "vosk-model-small-cn-0.22" / "am").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"did you mean .*vosk-model-small-cn-0\.22\?"):
        check(tmp_path)


@pytest.mark.parametrize(
    "lost", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst", "graph/words.txt"]
)
def test_half_copied_model_is_refused_when_loaded_not_in_the_first_call(
    tmp_path: Path, lost: str
) -> None:
    broken = shutil.copytree(BUNDLED, tmp_path / "broken")
    (broken / lost).unlink()
    with pytest.raises(ModelError, match="unpack"):
        SpeechModel.load(broken)


@pytest.mark.parametrize("kept", [0, 3, 100_000])
def test_damaged_model_file_is_refused_without_a_crash(tmp_path: Path, kept: int) -> None:
    broken = shutil.copytree(BUNDLED, tmp_path / "broken")
    whole = (broken / "am" / "final.mdl").read_bytes()
    (broken / "am" / "final.mdl").write_bytes(whole[:kept])
    with pytest.raises(ModelError, match="Vosk cannot read it"):
        SpeechModel.load(broken)
