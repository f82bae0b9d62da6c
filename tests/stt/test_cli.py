"""`huisheng stt` as an administrator types it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.stt import app
from stt.model import BUNDLED
from tests.stt import wavs
from tests.stt.phrases import COMPLAINT

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUISHENG_CONFIG", raising=False)


def test_transcribe_shows_text_word_times_and_speed_and_the_warning(complaint: Path) -> None:
    result = run("transcribe", complaint)
    assert result.exit_code == 0
    assert COMPLAINT in result.stdout
    assert "real-time factor 0.0" in result.stdout
    assert result.stdout.splitlines()[2].endswith("您好")
    assert "not people" in result.stderr


def test_transcribe_json_is_one_object_per_file(complaint: Path, tmp_path: Path) -> None:
    silent = wavs.write(tmp_path / "silent.wav", wavs.silence(1))
    result = run("transcribe", "--json", complaint, silent)
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["file"], first["text"]) == (str(complaint), COMPLAINT)
    assert first["words"][0].keys() == {"text", "start", "end", "confidence"}
    assert first["real_time_factor"] > 0
    assert second["text"] == ""


def test_broken_file_does_not_stop_the_others(complaint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"")
    result = run("transcribe", broken, complaint)
    assert result.exit_code == 1
    assert COMPLAINT in result.stdout
    assert f"✗ {broken}: the file is empty" in result.stderr


def test_repaired_recording_is_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    path.write_bytes(wavs.header(0) + wavs.silence(1).tobytes())
    assert "header repaired" in run("transcribe", path).stderr


def test_evaluate_json_has_exactly_three_figures(complaint: Path, tmp_path: Path) -> None:
    shutil.copy(complaint, tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text(COMPLAINT, encoding="utf-8")
    result = run("evaluate", tmp_path, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert list(found) == ["cer", "files", "rtf"]
    assert (found["cer"], found["files"]) == (0.0, 1)


def test_evaluate_shows_what_was_misheard(complaint: Path, tmp_path: Path) -> None:
    shutil.copy(complaint, tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("我要投诉", encoding="utf-8")
    result = run("evaluate", tmp_path)
    assert "CER" in result.stdout
    assert f"heard  {COMPLAINT}" in result.stdout


def test_evaluate_of_an_empty_folder_says_the_mend(tmp_path: Path) -> None:
    result = run("evaluate", tmp_path)
    assert result.exit_code == 1
    assert "put recordings and their *.txt there" in result.stderr


def test_model_says_that_the_bundled_one_is_a_toy() -> None:
    result = run("model")
    assert str(BUNDLED) in result.stdout
    assert "not people" in result.stdout
    assert json.loads(run("model", "--json").stdout)["bundled"] is True


def test_model_option_wins_and_a_wrong_folder_is_one_sentence(tmp_path: Path) -> None:
    result = run("model", "--model", tmp_path / "gone")
    assert result.exit_code == 1
    assert result.stderr.startswith("✗ ")
    assert result.stderr.count("\n") == 1


def test_settings_file_names_the_model(tmp_path: Path) -> None:
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    before, found, after = text.partition("\n  model: null")
    assert found
    shutil.copytree(BUNDLED, tmp_path / "mine")
    (tmp_path / "other.yaml").write_text(f"{before}\n  model: mine{after}", encoding="utf-8")
    result = run("model", "--json", "--config", tmp_path / "other.yaml")
    assert json.loads(result.stdout) == {
        "path": str(tmp_path / "mine"),
        "bundled": False,
        "warning": "",
    }


def test_settings_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    result = run("model", "--config", tmp_path / "gone.yaml")
    assert result.exit_code == 2
    assert "no such file" in result.stderr
