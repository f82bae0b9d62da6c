"""Kaldi's binary format of an acoustic model: transition model and nnet3 network in one file.

Source: the readers of Kaldi, hmm/transition-model.cc, hmm/hmm-topology.cc, nnet3/nnet-nnet.cc
and nnet3/am-nnet-simple.cc. Tokens end in a blank; numbers start with their size in bytes.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

LOOP_PROBABILITY = 0.5
BINARY_HEADER = b"\0B"


@dataclass(frozen=True)
class Affine:
    """y = weight x + bias; weight has shape (outputs, inputs), spliced frames outermost."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class Topology:
    """Left-to-right HMMs. `states[phone id − 1]` = (number of states, (first pdf, rest pdf)).

    A state has two transitions, self-loop and forward. Entering a state counts as its forward
    transition, so the first frame of a phone may have a pdf of its own.
    """

    states: tuple[tuple[int, tuple[int, int]], ...]

    @cached_property
    def transitions(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(phone, state) → (id of the self-loop, id of the forward transition)."""
        pairs = [(p, s) for p, (count, _) in enumerate(self.states, 1) for s in range(count)]
        return {pair: (2 * i + 1, 2 * i + 2) for i, pair in enumerate(pairs)}


def token(text: str) -> bytes:
    """A word of the format."""
    return text.encode() + b" "


def integer(value: int) -> bytes:
    """A 32-bit integer."""
    return b"\x04" + struct.pack("<i", value)


def real(value: float) -> bytes:
    """A 32-bit float."""
    return b"\x04" + struct.pack("<f", value)


def integers(values: Sequence[int]) -> bytes:
    """A vector of 32-bit integers."""
    return b"\x04" + struct.pack("<i", len(values)) + np.asarray(values, "<i4").tobytes()


def vector(values: Sequence[float] | NDArray[np.floating]) -> bytes:
    """A vector of floats."""
    return token("FV") + integer(len(values)) + np.asarray(values, "<f4").tobytes()


def matrix(values: NDArray[np.floating]) -> bytes:
    """A matrix of floats, row by row."""
    rows, columns = values.shape
    body = np.ascontiguousarray(values, "<f4").tobytes()
    return token("FM") + integer(rows) + integer(columns) + body


def transition_model(topology: Topology) -> bytes:
    """`<TransitionModel>`: topology, (phone, state, forward pdf, loop pdf) tuples, log probs."""
    shapes = [(count, first != rest) for count, (first, rest) in topology.states]
    entries = sorted(set(shapes))
    phones = range(1, len(shapes) + 1)
    parts = [token("<TransitionModel>"), token("<Topology>"), integers(phones)]
    parts.append(integers([-1] + [entries.index(shape) for shape in shapes]))
    # −1 announces entries that tell the pdf class of the loop apart from that of the way forward
    parts += [integer(-1), integer(len(entries))]
    parts += [_topology_entry(count, own_onset) for count, own_onset in entries]
    parts.append(token("</Topology>"))
    parts += [token("<Tuples>"), integer(len(topology.transitions))]
    for phone, state in topology.transitions:
        first, rest = topology.states[phone - 1][1]
        parts += [integer(value) for value in (phone, state, first, rest)]
    logs = [np.log(LOOP_PROBABILITY), np.log(1 - LOOP_PROBABILITY)] * len(topology.transitions)
    parts += [token("</Tuples>"), token("<LogProbs>"), vector([0.0, *logs])]
    parts += [token("</LogProbs>"), token("</TransitionModel>")]
    return b"".join(parts)


def _topology_entry(states: int, own_onset: bool) -> bytes:
    parts = [integer(states + 1)]
    for state in range(states):
        parts += [integer(0), integer(int(own_onset)), integer(2)]
        parts += [integer(state), real(LOOP_PROBABILITY)]
        parts += [integer(state + 1), real(1 - LOOP_PROBABILITY)]
    parts += [integer(-1), integer(-1), integer(0)]  # the final state emits nothing
    return b"".join(parts)


def network(
    affines: Sequence[Affine],
    splices: Sequence[Sequence[int]],
    inputs: int,
    context: int,
    priors: NDArray[np.floating],
) -> bytes:
    """The nnet3 network: ReLU layers that splice frames, then log-softmax.

    Args:
        affines: one per layer, the output layer last.
        splices: frame offsets of each hidden layer.
        inputs: coefficients per frame.
        context: frames needed on each side.
        priors: probability of each pdf; the decoder subtracts its logarithm.
    """
    lines = [f"input-node name=input dim={inputs}"]
    components = []
    source = "input"
    for i, affine in enumerate(affines):
        hidden = i < len(affines) - 1
        name = f"layer{i + 1}" if hidden else "output"
        spliced = splices[i] if hidden else (0,)
        frames = [source if offset == 0 else f"Offset({source}, {offset})" for offset in spliced]
        joined = f"Append({', '.join(frames)})" if len(frames) > 1 else frames[0]
        lines += _node(f"{name}.affine", joined)
        components += [token("<ComponentName>"), token(f"{name}.affine"), _affine(affine)]
        kind = "relu" if hidden else "log-softmax"
        lines += _node(f"{name}.{kind}", f"{name}.affine")
        components += [token("<ComponentName>"), token(f"{name}.{kind}")]
        component = "RectifiedLinearComponent" if hidden else "LogSoftmaxComponent"
        components.append(_nonlinearity(component, len(affine.bias)))
        source = f"{name}.{kind}"
    lines.append(f"output-node name=output input={source} objective=linear")
    parts = [token("<Nnet3>"), b"\n", "\n".join(lines).encode(), b"\n\n"]
    parts += [token("<NumComponents>"), integer(2 * len(affines)), *components, token("</Nnet3>")]
    parts += [token("<LeftContext>"), integer(context), token("<RightContext>"), integer(context)]
    parts += [token("<Priors>"), vector(priors)]
    return b"".join(parts)


def _node(name: str, source: str) -> list[str]:
    return [f"component-node name={name} component={name} input={source}"]


def _affine(affine: Affine) -> bytes:
    start, end = token("<FixedAffineComponent>"), token("</FixedAffineComponent>")
    weight = token("<LinearParams>") + matrix(affine.weight)
    return start + weight + token("<BiasParams>") + vector(affine.bias) + end


def _nonlinearity(kind: str, width: int) -> bytes:
    parts = [token(f"<{kind}>"), token("<Dim>"), integer(width)]
    parts += [token("<ValueAvg>"), vector([]), token("<DerivAvg>"), vector([])]
    for count in ("Count", "NumDimsSelfRepaired", "NumDimsProcessed"):
        parts += [token(f"<{count}>"), real(0.0)]
    return b"".join([*parts, token(f"</{kind}>")])
