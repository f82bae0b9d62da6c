"""`python -m stt.recipe FOLDER`: speak, train, build the graph, write the model."""

import argparse
import pickle
import shutil
import sys
import time
from pathlib import Path
from random import Random

from stt.recipe import corpus, folder, lexicon, speech
from stt.recipe.espeak import Espeak, EspeakError
from stt.recipe.fst import FstToolError
from stt.recipe.training import Acoustics, train

SPEECH_SEED, TRAINING_SEED, SENTENCES_SEED = 7, 1, 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stt/recipe/build", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the model goes")
    parser.add_argument("--utterances", type=int, default=4800, help="to train on")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--sentences", type=int, default=60_000, help="for the language model")
    tuning = folder.GraphTuning()
    parser.add_argument("--silence-cost", type=float, default=tuning.silence_cost)
    parser.add_argument("--word-cost", type=float, default=tuning.word_cost)
    parser.add_argument("--prior-floor", type=float, default=tuning.prior_floor)
    parser.add_argument("--unseen-share", type=float, default=tuning.unseen_share)
    parser.add_argument(
        "--acoustics", type=Path, help="keep the trained network here; reuse it if it is there"
    )
    return parser.parse_args()


def build(options: argparse.Namespace) -> None:
    """Make the model that `options` ask for, telling on standard output how far it is."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:4.0f} s] {text}", flush=True)

    texts = corpus.load()
    espeak = Espeak()
    phones, sounds = lexicon.build(texts.vocabulary(), espeak)
    say(f"{len(sounds)} words, {len(phones.speech)} phones")

    def made(count: int) -> None:
        if count % max(1, options.utterances // 10) == 0:
            say(f"spoke {count} of {options.utterances} utterances")

    def learn() -> Acoustics:
        taught = speech.utterances(options.utterances, texts, phones, espeak, SPEECH_SEED, made)
        return train(taught, phones.pdf_count, options.epochs, TRAINING_SEED, say)

    kept: Path | None = options.acoustics
    if kept is not None and kept.exists():
        acoustics: Acoustics = pickle.loads(kept.read_bytes())  # noqa: S301 - the user's own file
    else:
        acoustics = learn()
        if kept is not None:
            kept.write_bytes(pickle.dumps(acoustics))
    target: Path = options.folder
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    size = folder.write(
        fresh,
        phones,
        sounds,
        acoustics,
        texts.sentences(options.sentences, Random(SENTENCES_SEED)),
        texts.prior(),
        folder.GraphTuning(
            options.silence_cost, options.word_cost, options.prior_floor, options.unseen_share
        ),
    )
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    say(f"{target}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    try:
        build(_arguments())
    except (EspeakError, FstToolError, corpus.CorpusError, lexicon.PronunciationError) as error:
        sys.exit(f"✗ {error}")
