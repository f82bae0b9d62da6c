"""Trains the network on one thread; equal input gives equal weights, bit by bit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from stt.recipe.kaldi import Affine
from stt.recipe.network import CONTEXT, SUBSAMPLING, Tdnn
from stt.recipe.speech import Utterance

CHUNK = 150
"""Frames of one training example (1.5 s)."""
BATCH = 32
LEARNING_RATE = 2e-3
GARBAGE_SHARE = 0.05
"""Part of every speech frame that is taught to the garbage phone, so that it is likely anywhere."""
LEAST_COUNT = 20
"""A pdf seen less often still gets this count in the prior."""
IGNORED = -1


@dataclass(frozen=True)
class Acoustics:
    """What the model file holds of the training: affine layers, and the prior of each pdf."""

    affines: list[Affine]
    priors: NDArray[np.float64]


def train(
    utterances: list[Utterance], pdfs: int, epochs: int, seed: int, say: Callable[[str], None]
) -> Acoustics:
    """Train for `epochs`; about a sixtieth of `utterances` is kept back to report accuracy."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(seed)
    features = np.concatenate([f for f, _ in utterances])
    network = Tdnn(pdfs, features.mean(0), features.std(0))
    kept = max(1, len(utterances) // 60)
    checked, taught = utterances[:kept], utterances[kept:]
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    steps = epochs * (sum(len(f) // CHUNK + 2 for f, _ in taught) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.15
    )
    for epoch in range(1, epochs + 1):
        network.train()
        examples = _examples(taught, rng)
        total = 0.0
        for i in range(0, len(examples), BATCH):
            batch = examples[i : i + BATCH]
            loss = _loss(network, batch)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        accuracy = _accuracy(network, checked)
        mean = total / len(examples)
        say(f"epoch {epoch} of {epochs}: loss {mean:.3f}, frames right {accuracy:.1%}")
    network.eval()
    return Acoustics(network.affines(), _priors(taught, pdfs))


def _padded(features: NDArray[np.float32], after: int) -> NDArray[np.float32]:
    return np.pad(features, ((CONTEXT, after), (0, 0)), mode="edge")


def _examples(utterances: list[Utterance], rng: np.random.Generator) -> list[Utterance]:
    """Chunks of fixed length, shuffled; the decoder's 30 ms grid may start at any 10 ms phase."""
    cut: list[Utterance] = []
    for features, labels in utterances:
        phase = int(rng.integers(0, SUBSAMPLING))
        shifted, targets = features[phase:], labels[phase:]
        if len(shifted) < CHUNK // 3:
            continue
        padded = _padded(shifted, CONTEXT + CHUNK)
        targets = np.pad(targets, (0, CHUNK), constant_values=IGNORED)
        first = int(rng.integers(0, CHUNK // 2)) if len(shifted) > 2 * CHUNK else 0
        for start in range(first, len(shifted), CHUNK):
            example = padded[start : start + CHUNK + 2 * CONTEXT]
            cut.append((example, targets[start : start + CHUNK : SUBSAMPLING]))
    return [cut[i] for i in rng.permutation(len(cut))]


def _loss(network: Tdnn, batch: list[Utterance]) -> torch.Tensor:
    features = torch.from_numpy(np.stack([f for f, _ in batch]))
    targets = torch.from_numpy(np.stack([t for _, t in batch]))
    scores = network(features)
    right = functional.nll_loss(scores, targets.clamp(min=0), reduction="none")
    garbage = GARBAGE_SHARE * (targets > 0)
    each = (1 - garbage) * right - garbage * scores[:, 1]
    counted = targets != IGNORED
    return (each * counted).sum() / counted.sum()


def _accuracy(network: Tdnn, utterances: list[Utterance]) -> float:
    network.eval()
    right = total = 0
    with torch.no_grad():
        for features, labels in utterances:
            scores = network(torch.from_numpy(_padded(features, CONTEXT))[None])
            found = scores[0].argmax(0).numpy()
            truth = labels[::SUBSAMPLING][: len(found)]
            right += int((found[: len(truth)] == truth).sum())
            total += len(truth)
    return right / total


def _priors(utterances: list[Utterance], pdfs: int) -> NDArray[np.float64]:
    counts = np.bincount(np.concatenate([t for _, t in utterances]), minlength=pdfs)
    counts = counts.astype(np.float64)
    counts[1] = GARBAGE_SHARE * counts[2:].sum()
    counts[2:] *= 1 - GARBAGE_SHARE
    counts = np.maximum(counts, LEAST_COUNT)
    return counts / counts.sum()
