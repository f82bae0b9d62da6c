"""Prompts that callers hear: made once, found again, right in length and level."""

import math
import shutil
import struct
import subprocess
import threading
import time
import wave
from itertools import pairwise
from pathlib import Path

import pytest

from ari_app.ivr.settings import IvrSettings
from ari_app.prompts import speak
from ari_app.prompts.cache import DIGITS, PromptCache, Prompts, install
from ari_app.prompts.speak import TOOLS, PromptError

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS),
    reason="espeak-ng or sox is not installed; apt-get install espeak-ng sox",
)

END = {"hangup": True}


def ivr(**prompts: object) -> IvrSettings:
    return IvrSettings.model_validate(
        {
            "prompts": prompts,
            "entry": [{"menu": "a"}],
            "menus": {"a": {"prompt": "a", "keys": {}, "failure": END}},
        }
    )


WELCOME = ivr(welcome="您好,欢迎致电示例公司。")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prompts, Path]:
    folder = tmp_path_factory.mktemp("cache")
    return PromptCache.prepare(WELCOME, folder), folder


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing-here"))


def sound(prompts: Prompts, name: str) -> bytes:
    return Path(prompts.media(name).removeprefix("sound:") + ".alaw").read_bytes()


def samples(alaw: bytes) -> list[int]:
    """Linear samples (13 bits as 16) of A-law (ITU-T G.711)."""
    out = []
    for byte in alaw:
        value = byte ^ 0x55
        exponent, mantissa = (value >> 4) & 7, value & 15
        size = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 264) << (exponent - 1)
        out.append(size if value & 0x80 else -size)
    return out


def tone(path: Path, *, rate: int, channels: int, seconds: float = 1.0) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        for n in range(int(rate * seconds)):
            value = int(3000 * math.sin(2 * math.pi * 440 * n / rate))
            file.writeframes(struct.pack("<h", value) * channels)
    return path


def test_a_text_is_spoken_as_audible_alaw_of_the_length_it_says(
    spoken: tuple[Prompts, Path],
) -> None:
    prompts, _ = spoken
    heard = samples(sound(prompts, "welcome"))
    assert 1.5 < prompts.seconds("welcome") < 5
    assert len(heard) == prompts.seconds("welcome") * 8000
    assert 20_000 < max(abs(s) for s in heard) < 26_000, "3 dB below full scale, not clipped"


def test_a_caller_does_not_wait_through_silence_at_the_ends(spoken: tuple[Prompts, Path]) -> None:
    heard = [abs(s) > 300 for s in samples(sound(spoken[0], "welcome"))]
    assert heard.index(True) < 0.1 * 8000
    assert heard[::-1].index(True) < 0.25 * 8000


def test_a_number_is_read_digit_by_digit_with_yao_for_one(spoken: tuple[Prompts, Path]) -> None:
    prompts, _ = spoken
    media = prompts.digits("1-08")
    assert len(media) == 3
    assert len({prompts.media(f"digit-{d}") for d in range(10)}) == 10
    assert media[0] == prompts.media("digit-1")
    assert (DIGITS[1], DIGITS[0]) == ("幺", "零")
    assert all(0.2 < prompts.seconds(f"digit-{d}") < 0.8 for d in range(10))


def test_the_second_start_needs_no_tool_and_no_time(
    spoken: tuple[Prompts, Path], no_tools: None
) -> None:
    prompts, folder = spoken
    told: list[tuple[int, int]] = []
    began = time.perf_counter()
    again = PromptCache.prepare(WELCOME, folder, lambda done, total: told.append((done, total)))
    assert time.perf_counter() - began < 0.2
    assert again == prompts
    assert told == []


def test_progress_counts_up_to_what_is_to_be_made(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    PromptCache.prepare(WELCOME, tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(n, 11) for n in range(12)]


def test_only_what_changed_is_made_anew(spoken: tuple[Prompts, Path]) -> None:
    _, folder = spoken
    told: list[tuple[int, int]] = []
    PromptCache.prepare(
        ivr(welcome="您好。"), folder, lambda done, total: told.append((done, total))
    )
    assert told[-1] == (1, 1)


@pytest.mark.parametrize("change", [{"voice": "cmn"}, {"words_per_minute": 200}])
def test_another_voice_or_speed_is_another_sound(
    spoken: tuple[Prompts, Path], change: dict[str, object]
) -> None:
    prompts, folder = spoken
    changed = PromptCache.prepare(WELCOME.model_copy(update=change), folder)
    assert changed.media("welcome") != prompts.media("welcome")


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 1)])
def test_a_recording_of_any_rate_replaces_a_text(tmp_path: Path, rate: int, channels: int) -> None:
    file = tone(tmp_path / "录音 1.wav", rate=rate, channels=channels)
    prompts = PromptCache.prepare(ivr(welcome={"file": str(file)}), tmp_path / "cache")
    assert prompts.seconds("welcome") == pytest.approx(1, abs=0.01)
    heard = samples(sound(prompts, "welcome"))
    crossings = sum(1 for a, b in pairwise(heard) if a < 0 <= b)
    assert crossings == pytest.approx(440, abs=3), "the tone keeps its pitch"


def test_a_new_recording_under_the_old_name_is_taken(tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", rate=8000, channels=1)
    settings = ivr(welcome={"file": str(file)})
    first = PromptCache.prepare(settings, tmp_path / "cache")
    tone(file, rate=8000, channels=1, seconds=2)
    second = PromptCache.prepare(settings, tmp_path / "cache")
    assert (first.seconds("welcome"), second.seconds("welcome")) == (1, 2)


def test_starts_at_the_same_time_leave_whole_files(tmp_path: Path) -> None:
    found: list[Prompts] = []
    threads = [
        threading.Thread(target=lambda: found.append(PromptCache.prepare(WELCOME, tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert all(prompts == found[0] for prompts in found)
    assert len(list(tmp_path.iterdir())) == 11, "no half-made file or folder is left"


def test_a_text_cannot_give_orders_to_the_tools(tmp_path: Path) -> None:
    evil = f"--help -w {tmp_path}/stolen.wav; touch {tmp_path}/ran $(touch {tmp_path}/ran) 您好"
    prompts = PromptCache.prepare(ivr(welcome=evil), tmp_path / "cache")
    assert prompts.seconds("welcome") > 1
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]


# what goes wrong is told with the prompt and the mend


def test_missing_tools_name_the_package(tmp_path: Path, no_tools: None) -> None:
    with pytest.raises(PromptError) as caught:
        PromptCache.prepare(WELCOME, tmp_path / "cache")
    assert str(caught.value) == (
        "prompt welcome: espeak-ng is not installed; apt-get install espeak-ng sox"
    )


def test_an_unknown_voice_is_told_with_one_that_works(tmp_path: Path) -> None:
    settings = WELCOME.model_copy(update={"voice": "nobody"})
    with pytest.raises(PromptError, match=r"voice does not exist.*cmn-latn-pinyin"):
        PromptCache.prepare(settings, tmp_path)


def test_a_text_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="prompt pause: gives no sound; write words"):
        PromptCache.prepare(ivr(pause="。"), tmp_path)
    assert not [p for p in tmp_path.iterdir() if p.is_dir()]


def test_a_recording_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_text("no sound")
    with pytest.raises(PromptError, match=r"prompt a: sox: .*; save the recording as WAV"):
        PromptCache.prepare(ivr(a={"file": str(file)}), tmp_path / "cache")


def test_a_recording_that_is_gone_is_told(tmp_path: Path) -> None:
    settings = ivr(a={"file": str(tmp_path / "gone.wav")})
    with pytest.raises(PromptError, match=r"prompt a: .*gone.wav: No such file or directory"):
        PromptCache.prepare(settings, tmp_path / "cache")


def test_a_tool_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "bin" / "espeak-ng"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{Path('/usr/bin')}:/bin")
    monkeypatch.setattr(speak, "CHILD_SECONDS", 0.2)
    with pytest.raises(PromptError, match="espeak-ng took more than"):
        PromptCache.prepare(WELCOME, tmp_path / "cache")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PromptError, match="cannot be made: "):
        PromptCache.prepare(WELCOME, tmp_path / "file" / "cache")


def test_a_folder_that_is_taken_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"prompt a: .*gone: .*must be writable"):
        speak.make(speak.Speech("a", "您好", "cmn", 175), tmp_path / "gone" / "a.alaw")


def test_a_folder_that_asterisk_cannot_play_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="cannot play from a path with a comma"):
        PromptCache.prepare(WELCOME, tmp_path / "a,b")


# the dialplan's copies


def test_the_dialplan_finds_every_prompt_by_name(
    spoken: tuple[Prompts, Path], tmp_path: Path
) -> None:
    prompts, _ = spoken
    folder = install(prompts, tmp_path)
    assert folder == tmp_path / "huisheng"
    assert (folder / "welcome.alaw").read_bytes() == sound(prompts, "welcome")
    assert len(list(folder.iterdir())) == 11


def test_copies_of_removed_prompts_go_and_changed_ones_are_renewed(
    spoken: tuple[Prompts, Path], tmp_path: Path
) -> None:
    prompts, _ = spoken
    folder = install(prompts, tmp_path)
    (folder / "old.alaw").write_bytes(b"x")
    (folder / "welcome.alaw").write_bytes(b"x")
    untouched = (folder / "digit-1.alaw").stat().st_mtime_ns
    install(prompts, tmp_path)
    assert not (folder / "old.alaw").exists()
    assert (folder / "welcome.alaw").read_bytes() == sound(prompts, "welcome")
    assert (folder / "digit-1.alaw").stat().st_mtime_ns == untouched


def test_prompts_of_a_reload_keep_those_that_running_calls_may_play(
    spoken: tuple[Prompts, Path],
) -> None:
    older, folder = spoken
    newer = PromptCache.prepare(ivr(other="您好。"), folder)
    both = newer.keeping(older)
    assert both.media("welcome") == older.media("welcome")
    assert both.seconds("other") == newer.seconds("other")


def test_espeak_reads_the_digits_as_mandarin() -> None:
    said = subprocess.run(
        ["espeak-ng", "-v", "cmn-latn-pinyin", "-q", "-x", DIGITS],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert "(en)" not in said, "a digit is spelt in English"
