"""The lexicon as a transducer from HMM transitions to words: a tree of pronunciations.

HMMs are expanded in place in the order Kaldi's decoder expects of "reordered" graphs: the forward
transition of a state first, its self-loop after it.
"""

from stt.recipe.fst import Fst
from stt.recipe.kaldi import Topology
from stt.recipe.phones import SILENCE, Lexicon, PhoneSet


class _Tree:
    def __init__(self, phones: PhoneSet, topology: Topology) -> None:
        self.fst = Fst(finals={0: 0.0})
        self._phones, self._topology = phones, topology
        self._exits: dict[str, int] = {}
        self._branches: dict[tuple[int, str], int] = {}

    def branch(self, source: int, phone: str, cost: float) -> int:
        """The state after `phone`, shared by all words that start alike."""
        key = (source, phone)
        if key not in self._branches:
            self._branches[key] = self._states(source, phone, 0, cost)
        return self._branches[key]

    def leaf(self, source: int, phone: str, word: int, cost: float) -> None:
        """The last phone of a word: says the word, ends in the exit shared by that phone."""
        if phone not in self._exits:
            self._exits[phone] = self.fst.state()
            self._loop(self._exits[phone], phone, self._count(phone) - 1)
            self.fst.arc(self._exits[phone], 0, 0, 0)
        self._states(source, phone, word, cost, self._exits[phone])

    def _states(
        self, source: int, phone: str, word: int, cost: float, end: int | None = None
    ) -> int:
        count = self._count(phone)
        for state in range(count):
            forward = self._topology.transitions[self._phones.ids[phone], state][1]
            last = end is not None and state == count - 1
            target = end if last and end is not None else self.fst.state()
            first = state == 0
            self.fst.arc(source, target, forward, word if first else 0, cost if first else 0.0)
            if not last:
                self._loop(target, phone, state)
            source = target
        return source

    def _loop(self, state: int, phone: str, hmm_state: int) -> None:
        loop = self._topology.transitions[self._phones.ids[phone], hmm_state][0]
        self.fst.arc(state, state, loop, 0)

    def _count(self, phone: str) -> int:
        return self._topology.states[self._phones.ids[phone] - 1][0]


def lexicon_graph(
    phones: PhoneSet,
    topology: Topology,
    lexicon: Lexicon,
    word_ids: dict[str, int],
    *,
    silence_cost: float,
    word_cost: float,
) -> Fst:
    """Words in any order, silence between any two of them; costs are negative log weights."""
    tree = _Tree(phones, topology)
    tree.leaf(0, SILENCE, 0, silence_cost)
    for word in sorted(lexicon, key=lambda w: word_ids[w]):
        for pronunciation in lexicon[word]:
            *heads, last = phones.place(pronunciation)
            state, cost = 0, word_cost
            for phone in heads:
                state, cost = tree.branch(state, phone, cost), 0.0
            tree.leaf(state, last, word_ids[word], cost)
    return tree.fst
