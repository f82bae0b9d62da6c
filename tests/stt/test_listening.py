"""What callers say is understood: the bundled model on synthetic speech over a telephone line."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from stt.evaluate import distance, evaluate, normalised
from stt.recipe.spoken import Voice
from stt.recogniser import SpeechModel, recognise
from stt.wav import probe
from tests.stt import wavs
from tests.stt.phrases import COMPLAINT

ROOT = Path(__file__).parents[2]
MOST_ERRORS = 0.10
VOICES = (Voice(), Voice("m3", 192, 45), Voice("f2", 162, 66))
CALLERS = (
    COMPLAINT,
    "我住在天津市河西区友谊路十五号",
    "我的手机号码是幺三五零二六八九四七幺",
    "洗衣机用了不到三个月就坏了要求退款",
    "快递员把包裹放在门口就走了",
    "请你们经理明天下午给我回电话",
    "转人工客服",
)

Speak = Callable[[str, Voice], Path]


def pcm(path: Path) -> np.ndarray:
    return np.frombuffer(b"".join(probe(path).blocks(60)), np.int16)


def text(model: SpeechModel, path: Path) -> str:
    transcript = recognise(model, probe(path))
    assert transcript is not None
    return transcript.text


@pytest.mark.parametrize("voice", VOICES, ids=str)
def test_complaint_in_the_ticket_reads_as_it_was_told(
    model: SpeechModel, spoken: Speak, voice: Voice
) -> None:
    result = evaluate(model, [(spoken(said, voice), said) for said in CALLERS])
    assert result.cer < MOST_ERRORS, [(one.spoken, one.heard) for one in result.judged]


def test_line_understands_its_own_prompts(model: SpeechModel, spoken: Speak) -> None:
    prompts = YAML(typ="safe").load((ROOT / "config.yaml").read_text())["ivr"]["prompts"]
    texts = [said for said in prompts.values() if isinstance(said, str)]
    result = evaluate(model, [(spoken(said, Voice()), said) for said in texts])
    assert result.cer < MOST_ERRORS, [(o.spoken, o.heard) for o in result.judged if o.errors]


def test_demo_recordings_are_understood(model: SpeechModel) -> None:
    folder = ROOT.parent / "shared" / "data" / "speech" / "demo"
    if not folder.is_dir():
        pytest.skip("the demo recordings are not beside this checkout")
    lines = (line.split() for line in (folder / "transcripts.txt").read_text().splitlines())
    result = evaluate(model, [(folder / name, said) for name, said in lines])
    assert result.cer < MOST_ERRORS


def test_word_times_lead_the_reader_to_the_place_in_the_recording(
    model: SpeechModel, complaint: Path, tmp_path: Path
) -> None:
    speech = pcm(complaint)
    pause = wavs.silence(2)
    twice = wavs.write(tmp_path / "twice.wav", np.concatenate([speech, pause, speech]))
    transcript = recognise(model, probe(twice))
    assert transcript is not None
    assert transcript.text == COMPLAINT * 2
    words = transcript.words
    assert all(0 <= w.start < w.end <= transcript.seconds for w in words)
    assert all(a.end <= b.start + 0.001 for a, b in pairwise(words))
    assert all(0 < w.confidence <= 1 for w in words)
    half = len(words) // 2
    second = (len(speech) + len(pause)) / wavs.RATE
    for early, late in zip(words[:half], words[half:], strict=True):
        assert late.start - early.start == pytest.approx(second, abs=0.07)
    assert words[0].start == pytest.approx(loud_from(speech), abs=0.08)


def loud_from(speech: np.ndarray) -> float:
    return int(np.argmax(np.abs(speech.astype(np.int32)) > 1500)) / wavs.RATE


def test_same_recording_always_gives_the_same_transcript(
    model: SpeechModel, complaint: Path
) -> None:
    first, second = (recognise(model, probe(complaint)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.words == second.words


@pytest.mark.parametrize("rate", [16000, 22050])
@pytest.mark.parametrize("encoding", ["signed-integer", "a-law", "mu-law"])
def test_recording_of_another_rate_or_codec_reads_the_same(
    model: SpeechModel, complaint: Path, tmp_path: Path, rate: int, encoding: str
) -> None:
    other = tmp_path / "other.wav"
    bits = ["-b", "16"] if encoding == "signed-integer" else []
    subprocess.run(
        ["sox", complaint, "-r", str(rate), *bits, "-e", encoding, other], check=True, timeout=60
    )
    assert text(model, other) == COMPLAINT


def tones(seconds: float, *hertz: float) -> np.ndarray:
    time = np.arange(int(seconds * wavs.RATE)) / wavs.RATE
    return (6000 * sum(np.sin(2 * np.pi * f * time) for f in hertz)).astype(np.int16)


NOTHING_SAID = {
    "digital silence": wavs.silence(5),
    "nothing at all": wavs.silence(0),
    "a few samples": wavs.silence(0.005),
    "comfort noise": np.random.default_rng(1).normal(0, 60, 40_000).astype(np.int16),
    "the # key": np.concatenate([wavs.silence(1), tones(0.15, 941, 1477), wavs.silence(1)]),
    "ring-back": np.concatenate([tones(1, 450), wavs.silence(2), tones(1, 450)]),
}


@pytest.mark.parametrize("sound", NOTHING_SAID)
def test_silent_caller_gets_no_invented_words(
    model: SpeechModel, tmp_path: Path, sound: str
) -> None:
    path = wavs.write(tmp_path / "silent.wav", NOTHING_SAID[sound])
    transcript = recognise(model, probe(path))
    assert transcript is not None
    assert transcript.text == ""
    assert transcript.words == ()


def test_recording_of_a_killed_asterisk_is_still_understood(
    model: SpeechModel, complaint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "killed.wav"
    path.write_bytes(wavs.header(0) + pcm(complaint).tobytes() + b"\0")
    assert probe(path).repaired
    assert text(model, path) == COMPLAINT


def test_noisy_line_is_understood(model: SpeechModel, complaint: Path, tmp_path: Path) -> None:
    speech = pcm(complaint).astype(float)
    level = np.sqrt((speech**2).mean())
    noise = np.random.default_rng(2).normal(0, level / 10, len(speech))
    noisy = wavs.write(
        tmp_path / "noisy.wav", np.clip(speech + noise, -32768, 32767).astype(np.int16)
    )
    heard = text(model, noisy)
    assert distance(normalised(COMPLAINT), normalised(heard)) <= 1
