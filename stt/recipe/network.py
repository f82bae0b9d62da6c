"""The acoustic network: a time-delay network, 1-D convolutions with 13 frames of context a side."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from stt.recipe.kaldi import Affine

UNITS = 160


@dataclass(frozen=True)
class Layer:
    """Frames spliced by one hidden layer, relative to its output, in frames of 10 ms."""

    offsets: tuple[int, ...]
    stride: int = 1


LAYERS = (
    Layer((-2, -1, 0, 1, 2)),
    Layer((-1, 0, 1)),
    Layer((-1, 0, 1), stride=3),  # from here on a frame is 30 ms, offsets are still in 10 ms
    Layer((-3, 0, 3)),
    Layer((-3, 0, 3)),
    Layer((-3, 0, 3)),
)
CONTEXT = sum(layer.offsets[-1] for layer in LAYERS)
"""Frames needed on each side of the first and last decoded frame."""

SUBSAMPLING = 3
"""One output for every third input frame."""


class Tdnn(nn.Module):
    """Log probabilities of the pdfs, one row per 30 ms."""

    def __init__(
        self, pdfs: int, mean: NDArray[np.float32], deviation: NDArray[np.float32]
    ) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("deviation", torch.from_numpy(deviation))
        widths = [len(mean)] + [UNITS] * len(LAYERS)
        self.splices = nn.ModuleList(
            nn.Conv1d(widths[i], UNITS, len(layer.offsets), stride=layer.stride)
            for i, layer in enumerate(LAYERS)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(UNITS) for _ in LAYERS)
        self.output = nn.Conv1d(UNITS, pdfs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, CONTEXT + frames + CONTEXT, coefficients) → (batch, pdfs, frames / 3)."""
        x = ((features - self.mean) / self.deviation).transpose(1, 2)
        for splice, norm in zip(self.splices, self.norms, strict=True):
            x = functional.relu(norm(splice(x)))
        return functional.log_softmax(self.output(x), 1)

    def affines(self) -> list[Affine]:
        """The layers as plain affine maps of raw features.

        Input normalisation is folded into the first layer and batch norm into the layer before it.
        """
        folded = []
        for i, (splice, norm) in enumerate(zip(self.splices, self.norms, strict=True)):
            weight, bias = splice.weight.detach().double(), splice.bias.detach().double()
            if i == 0:
                weight = weight / self.deviation.double()[None, :, None]
                bias = bias - (weight * self.mean.double()[None, :, None]).sum((1, 2))
            gain = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
            weight = weight * gain[:, None, None]
            bias = (bias - norm.running_mean.double()) * gain + norm.bias.detach().double()
            folded.append(_affine(weight.permute(0, 2, 1).flatten(1), bias))
        folded.append(_affine(self.output.weight.detach()[:, :, 0], self.output.bias.detach()))
        return folded


def _affine(weight: Tensor, bias: Tensor) -> Affine:
    return Affine(weight.float().numpy(), bias.float().numpy())
