"""The model file: what the recipe writes is what Kaldi's format says."""

import numpy as np

from stt.model import BUNDLED
from stt.recipe.kaldi import Affine, Topology, network, transition_model
from tests.stt.recipe.kaldi_reader import Reader

# silence and garbage have one pdf each; garbage lasts two states; the speech phone has two pdfs
TOPOLOGY = Topology(((1, (0, 0)), (2, (1, 1)), (1, (3, 2))))


def test_transition_ids_are_numbered_as_kaldi_numbers_them() -> None:
    assert TOPOLOGY.transitions == {(1, 0): (1, 2), (2, 0): (3, 4), (2, 1): (5, 6), (3, 0): (7, 8)}


def test_transition_model_can_be_read_back() -> None:
    reader = Reader(transition_model(TOPOLOGY))
    reader.expect("<TransitionModel>", "<Topology>")
    assert reader.integers() == [1, 2, 3]
    phone_to_entry = reader.integers()
    assert phone_to_entry[0] == -1
    assert reader.integer() == -1
    entries = []
    for _ in range(reader.integer()):
        states = []
        for _ in range(reader.integer()):
            classes = (reader.integer(), reader.integer())
            arcs = [(reader.integer(), reader.real()) for _ in range(reader.integer())]
            states.append((classes, arcs))
        entries.append(states)
    reader.expect("</Topology>", "<Tuples>")
    own_onset = entries[phone_to_entry[3]]
    assert own_onset == [((0, 1), [(0, 0.5), (1, 0.5)]), ((-1, -1), [])]
    one_pdf = entries[phone_to_entry[1]]
    assert one_pdf[0][0] == (0, 0)
    assert len(entries[phone_to_entry[2]]) == 3
    tuples = [tuple(reader.integer() for _ in range(4)) for _ in range(reader.integer())]
    assert tuples == sorted(tuples) == [(1, 0, 0, 0), (2, 0, 1, 1), (2, 1, 1, 1), (3, 0, 3, 2)]
    reader.expect("</Tuples>", "<LogProbs>")
    logs = reader.vector()
    assert logs[0] == 0
    assert np.allclose(logs[1:], np.log(0.5))
    assert len(logs) == 1 + 2 * len(tuples)
    reader.expect("</LogProbs>", "</TransitionModel>")
    assert reader.at_end


def test_network_can_be_read_back() -> None:
    rng = np.random.default_rng(1)
    hidden = Affine(rng.normal(size=(4, 6)).astype("f4"), rng.normal(size=4).astype("f4"))
    output = Affine(rng.normal(size=(3, 4)).astype("f4"), rng.normal(size=3).astype("f4"))
    priors = np.array([0.5, 0.25, 0.25])
    reader = Reader(network([hidden, output], [(-1, 0, 1)], 2, 13, priors))
    reader.expect("<Nnet3>")
    config = reader.until_blank_line().split("\n")
    assert config[0] == "input-node name=input dim=2"
    assert config[1].endswith("input=Append(Offset(input, -1), input, Offset(input, 1))")
    assert config[-1] == "output-node name=output input=output.log-softmax objective=linear"
    reader.expect("<NumComponents>")
    assert reader.integer() == 4
    for name, affine in (("layer1", hidden), ("output", output)):
        reader.expect("<ComponentName>", f"{name}.affine", "<FixedAffineComponent>")
        reader.expect("<LinearParams>")
        assert np.array_equal(reader.matrix(), affine.weight)
        reader.expect("<BiasParams>")
        assert np.array_equal(reader.vector(), affine.bias)
        reader.expect("</FixedAffineComponent>", "<ComponentName>")
        reader.skip_component()
    reader.expect("</Nnet3>", "<LeftContext>")
    assert reader.integer() == 13
    reader.expect("<RightContext>")
    assert reader.integer() == 13
    reader.expect("<Priors>")
    assert np.allclose(reader.vector(), priors)
    assert reader.at_end


def test_bundled_model_has_an_output_for_every_state_and_no_other() -> None:
    whole = (BUNDLED / "am" / "final.mdl").read_bytes()
    assert whole.startswith(b"\0B")
    reader = Reader(whole[whole.index(b"<Tuples> ") :])
    reader.expect("<Tuples>")
    tuples = [[reader.integer() for _ in range(4)] for _ in range(reader.integer())]
    reader = Reader(whole[whole.index(b"<Priors> ") :])
    reader.expect("<Priors>")
    outputs = range(len(reader.vector()))
    assert {pdf for _, _, *pdfs in tuples for pdf in pdfs} == set(outputs)
