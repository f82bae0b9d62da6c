"""The decoding graph: sounds to words, and which word follows which."""

import math
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from stt.recipe.fst import Fst, FstToolError, write_const, write_look_ahead
from stt.recipe.kaldi import Topology
from stt.recipe.language_model import END, estimate, grammar
from stt.recipe.lexicon_graph import lexicon_graph
from stt.recipe.phones import Lexicon, PhoneSet

PHONES = PhoneSet(("a", "n", "t"))
LEXICON: Lexicon = {"他": [("t", "a")], "谈": [("t", "a", "n")], "啊": [("a",)]}
WORDS = {word: i for i, word in enumerate(LEXICON, 1)}
PRIOR = {"我": 1.0, "要": 1.0, "退款": 2.0}
SENTENCES = [["我", "要", "退款"], ["我", "退款"], ["退款"]]


def words_graph() -> Fst:
    topology = Topology(PHONES.states)
    return lexicon_graph(PHONES, topology, LEXICON, WORDS, silence_cost=1.0, word_cost=0.5)


def cheapest(fst: Fst, labels: list[int]) -> dict[tuple[int, ...], float]:
    """Outputs of all paths over `labels` that end in a final state, with their least cost."""
    arcs = defaultdict(list)
    for source, target, label, output, cost in fst.arcs:
        arcs[source].append((target, label, output, cost))

    def closed(
        paths: dict[tuple[int, tuple[int, ...]], float],
    ) -> dict[tuple[int, tuple[int, ...]], float]:
        queue = list(paths.items())
        for (state, said), cost in queue:
            for target, label, output, more in arcs[state]:
                key = (target, said + ((output,) if output else ()))
                if label == 0 and cost + more < paths.get(key, math.inf):
                    paths[key] = cost + more
                    queue.append((key, cost + more))
        return paths

    paths = closed({(0, ()): 0.0})
    for wanted in labels:
        stepped: dict[tuple[int, tuple[int, ...]], float] = {}
        for (state, said), cost in paths.items():
            for target, label, output, more in arcs[state]:
                key = (target, said + ((output,) if output else ()))
                if label == wanted and cost + more < stepped.get(key, math.inf):
                    stepped[key] = cost + more
        paths = closed(stepped)
    done: dict[tuple[int, ...], float] = {}
    for (state, said), cost in paths.items():
        if state in fst.finals:
            done[said] = min(done.get(said, math.inf), cost + fst.finals[state])
    return done


def sound(*phones: str, repeats: int = 0) -> list[int]:
    """Transition ids of phones: the way into each, then its self-loop `repeats` times."""
    topology = Topology(PHONES.states)
    ids = []
    for phone in phones:
        loop, forward = topology.transitions[PHONES.ids[phone], 0]
        ids += [forward] + [loop] * repeats
    return ids


def test_sounds_lead_to_the_word_and_may_last_any_time() -> None:
    graph = words_graph()
    assert set(cheapest(graph, sound("t_B", "a_E"))) == {(WORDS["他"],)}
    assert set(cheapest(graph, sound("t_B", "a_I", "n_E", repeats=3))) == {(WORDS["谈"],)}
    assert cheapest(graph, sound("t_B")) == {}


def test_silence_says_nothing_and_may_stand_between_words() -> None:
    graph = words_graph()
    assert cheapest(graph, sound("SIL", repeats=2)) == {(): 1.0}
    said = cheapest(graph, sound("a_S", "SIL", "a_S"))
    assert said == {(WORDS["啊"], WORDS["啊"]): pytest.approx(0.5 + 1.0 + 0.5)}


def test_words_with_a_common_beginning_share_it() -> None:
    arcs = [arc for arc in words_graph().arcs if arc[0] == 0 and arc[2] == sound("t_B")[0]]
    assert len(arcs) == 1


def test_probabilities_after_each_word_never_exceed_one_by_much() -> None:
    model = estimate(SENTENCES, PRIOR, floor=0.2, share=0.3)
    assert sum(model.single.values()) == pytest.approx(1)
    for history, pairs in model.pairs.items():
        unseen = sum(p for word, p in model.single.items() if word not in pairs)
        total = sum(pairs.values()) + model.back_off[history] * unseen
        assert 0.9 < total < 1.6


def test_pair_that_was_said_beats_a_pair_that_was_not() -> None:
    model = estimate(SENTENCES, PRIOR, floor=0.2, share=0.3)
    ids = {word: i for i, word in enumerate(PRIOR, 1)}
    fst = grammar(model, ids)

    def cost(*words: str) -> float:
        return min(cheapest(fst, [ids[word] for word in words]).values())

    assert cost("我", "要", "退款") < cost("要", "我", "退款")
    assert cost("要", "要", "要") < math.inf
    assert cost("退款") == pytest.approx(
        -math.log(model.pairs["<s>"]["退款"] * model.pairs["退款"][END])
    )


def test_look_ahead_graph_keeps_its_words_under_their_new_numbers(tmp_path: Path) -> None:
    path = tmp_path / "HCLr.fst"
    renumbered = write_look_ahead(words_graph(), path, tmp_path)
    assert set(WORDS.values()) <= set(renumbered)
    assert len({renumbered[i] for i in WORDS.values()}) == len(WORDS)
    assert path.stat().st_size > 0


def test_grammar_file_is_the_grammar(tmp_path: Path) -> None:
    fst = Fst(arcs=[(0, 1, 2, 2, 0.5), (0, 1, 1, 1, 0.25)], finals={1: 0.0})
    write_const(fst, tmp_path / "Gr.fst")
    printed = subprocess.run(
        ["fstprint", tmp_path / "Gr.fst"], capture_output=True, check=True, timeout=30, text=True
    )
    assert printed.stdout.split("\n")[:2] == ["0\t1\t1\t1\t0.25", "0\t1\t2\t2\t0.5"]


def test_missing_openfst_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FstToolError, match="install libfst-tools"):
        write_const(Fst(), tmp_path / "Gr.fst")
