"""Writes the model folder as Vosk reads it: am/, conf/, graph/ and a README."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stt.recipe import fst, kaldi, mfcc
from stt.recipe.language_model import Bigram, estimate, grammar
from stt.recipe.lexicon_graph import lexicon_graph
from stt.recipe.network import CONTEXT, LAYERS
from stt.recipe.phones import GARBAGE, Lexicon, PhoneSet
from stt.recipe.training import Acoustics

UNKNOWN_WORD = "[unk]"
GARBAGE_EASE = 3
"""How much likelier a run-time grammar falls back on [unk]; free recognition never says it."""

MODEL_CONF = """\
--min-active=200
--max-active=3000
--beam=11.0
--lattice-beam=5.0
--acoustic-scale=0.6
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""

README = """\
自带的语音模型:只听得懂 espeak-ng 的合成普通话,听不懂真人,仅供试用。

Huisheng's bundled speech model: Mandarin, 8 kHz, Vosk format.

It understands the synthetic Mandarin of espeak-ng (voice cmn-latn-pinyin) over a telephone line,
and nothing else. It does NOT understand people: it was trained on synthetic speech only, knows
{words} words of a customer hotline and writes whatever sounds nearest. It is there so that the
line can be tried out at once, without a download.

For real callers put the path of a real Vosk model for Mandarin, such as vosk-model-small-cn-0.22
or vosk-model-cn-0.22, under `speech: model:` in config.yaml.

Made from nothing but espeak-ng and hand-written words by stt/recipe/build; the same recipe on the
same kind of processor writes these files again, byte by byte. Apache-2.0.
"""


@dataclass(frozen=True)
class GraphTuning:
    """Weights of the decoding graph; costs are negative log probabilities."""

    silence_cost: float = 1.0
    word_cost: float = 0.5
    prior_floor: float = 0.2
    unseen_share: float = 0.3


def write(
    folder: Path,
    phones: PhoneSet,
    lexicon: Lexicon,
    acoustics: Acoustics,
    sentences: Iterable[list[str]],
    prior: dict[str, float],
    tuning: GraphTuning,
) -> int:
    """Write the model to `folder`, which may exist, and return its size in bytes."""
    graph = folder / "graph"
    for sub in (folder / "am", folder / "conf", graph / "phones"):
        sub.mkdir(parents=True, exist_ok=True)
    topology = kaldi.Topology(phones.states)
    (folder / "am" / "final.mdl").write_bytes(_acoustic_model(topology, acoustics))
    (folder / "conf" / "mfcc.conf").write_text(mfcc.CONF)
    (folder / "conf" / "model.conf").write_text(MODEL_CONF)
    (folder / "README").write_text(README.format(words=len(lexicon)), encoding="utf-8")
    (graph / "phones" / "word_boundary.int").write_text(phones.word_boundary())
    # Vosk wants the file; this graph has no disambiguation symbols, so an unused id stands in it.
    (graph / "disambig_tid.int").write_text(f"{2 * len(topology.transitions) + 1}\n")
    _graphs(
        graph,
        phones,
        topology,
        lexicon,
        estimate(sentences, prior, floor=tuning.prior_floor, share=tuning.unseen_share),
        tuning,
    )
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _acoustic_model(topology: kaldi.Topology, acoustics: Acoustics) -> bytes:
    priors = acoustics.priors.copy()
    priors[1] /= GARBAGE_EASE
    network = kaldi.network(
        acoustics.affines,
        [layer.offsets for layer in LAYERS],
        mfcc.COEFFICIENTS,
        CONTEXT,
        priors,
    )
    return kaldi.BINARY_HEADER + kaldi.transition_model(topology) + network


def _graphs(
    folder: Path,
    phones: PhoneSet,
    topology: kaldi.Topology,
    lexicon: Lexicon,
    model: Bigram,
    tuning: GraphTuning,
) -> None:
    spoken: Lexicon = {**lexicon, UNKNOWN_WORD: [(GARBAGE,)]}
    ids = {word: i for i, word in enumerate(spoken, 1)}
    words = lexicon_graph(
        phones,
        topology,
        spoken,
        ids,
        silence_cost=tuning.silence_cost,
        word_cost=tuning.word_cost,
    )
    with tempfile.TemporaryDirectory() as scratch:
        renumbered = fst.write_look_ahead(words, folder / "HCLr.fst", Path(scratch))
    ids = {word: renumbered[i] for word, i in ids.items()}
    fst.write_const(grammar(model, ids), folder / "Gr.fst")
    by_id = sorted(ids.items(), key=lambda item: item[1])
    table = "".join(f"{word} {i}\n" for word, i in [("<eps>", 0), *by_id])
    (folder / "words.txt").write_text(table, encoding="utf-8")
