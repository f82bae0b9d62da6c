"""`python -m stt.recipe.measure FOLDER`: the character error rate of a model on held-out speech.

The sentences are not made from the training patterns, the voices and most speeds and pitches were
not trained on, and the speech is made by the espeak-ng and sox programs, not by the recipe.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from stt.errors import SpeechError
from stt.evaluate import Evaluation, evaluate
from stt.recipe.spoken import Voice, say
from stt.recogniser import SpeechModel

HELD_OUT = Path(__file__).parent / "text" / "held_out.txt"
CONDITIONS = (
    Voice("", 175, 50),
    Voice("", 162, 45),
    Voice("m3", 192, 45),
    Voice("f2", 162, 66),
    Voice("f2", 192, 45),
)


class Arguments(NamedTuple):
    """Of the command line."""

    folder: Path
    sentences: Path
    errors: bool


def _arguments() -> Arguments:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the model")
    parser.add_argument("--sentences", type=Path, default=HELD_OUT, help="one a line")
    parser.add_argument("--errors", action="store_true", help="show what was misheard")
    found = parser.parse_args()
    return Arguments(found.folder, found.sentences, found.errors)


def measure(options: Arguments) -> None:
    """Print the character error rate per voice and of all."""
    model = SpeechModel.load(options.folder)
    lines = (line.strip() for line in options.sentences.read_text(encoding="utf-8").splitlines())
    texts = [line for line in lines if line and not line.startswith("#")]
    every = []
    with tempfile.TemporaryDirectory() as scratch:
        for voice in CONDITIONS:
            spoken = []
            for i, text in enumerate(texts):
                wav = Path(scratch) / f"{i}.wav"
                say(text, wav, voice)
                spoken.append((wav, text))
            result = evaluate(model, spoken)
            every += result.judged
            _tell(str(voice), result)
            for one in result.judged if options.errors else ():
                if one.errors:
                    print(f"    {one.errors} {one.spoken} → {one.heard}")
    _tell("all", Evaluation(tuple(every)))


def _tell(name: str, result: Evaluation) -> None:
    print(f"{name:32} CER {result.cer:6.2%}   real-time factor {result.rtf:.3f}", flush=True)


if __name__ == "__main__":
    try:
        measure(_arguments())
    except (SpeechError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"✗ {error}")
