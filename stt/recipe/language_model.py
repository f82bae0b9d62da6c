"""A bigram model of the sentences, as a grammar transducer over words.

The patterns repeat themselves, so counts say little about what was never generated: a constant
share of probability is left for pairs the patterns lack, instead of a discount by counts. Without
it a rare homophone wins over a word whose followers all come from a few patterns.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from stt.recipe.fst import Fst

START, END = "<s>", "</s>"
LEAST_LEFT = 0.05
"""No history is believed to leave less than this of the single-word probability to others."""


@dataclass(frozen=True)
class Bigram:
    """`single[word]` and, for each history, the pairs' probabilities and the back-off weight."""

    single: dict[str, float]
    pairs: dict[str, dict[str, float]]
    back_off: dict[str, float]


def estimate(
    sentences: Iterable[list[str]], prior: dict[str, float], *, floor: float, share: float
) -> Bigram:
    """Count `sentences`.

    Args:
        sentences: words of each.
        prior: relative frequency of every word of the vocabulary, whatever the sentences say.
        floor: weight of `prior` in the single-word probability.
        share: probability left to pairs that the sentences lack.
    """
    singles: Counter[str] = Counter()
    followers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for words in sentences:
        singles.update([*words, END])
        for word, follower in zip([START, *words], [*words, END], strict=True):
            followers[word][follower] += 1
    seen, wanted = singles.total(), sum(prior.values())
    single = {w: (1 - floor) * singles[w] / seen + floor * p / wanted for w, p in prior.items()}
    single[END] = (1 - floor) * singles[END] / seen
    pairs, back_off = {}, {}
    for word, counts in followers.items():
        left = max(LEAST_LEFT, 1 - sum(single[follower] for follower in counts))
        back_off[word] = share / left
        total = counts.total()
        # never below what backing off would give
        pairs[word] = {
            follower: max((1 - share) * n / total, back_off[word] * single[follower])
            for follower, n in counts.items()
        }
    return Bigram(single, pairs, back_off)


def grammar(model: Bigram, word_ids: dict[str, int]) -> Fst:
    """One state per history and one for the single words, reached by epsilon arcs."""
    fst = Fst()
    single_state = fst.state()
    states = {START: 0}
    for history in model.pairs:
        states.setdefault(history, -1)
    for history in states:
        if states[history] < 0:
            states[history] = fst.state()

    def follow(source: int, word: str, probability: float) -> None:
        cost = -math.log(probability)
        if word == END:
            fst.finals[source] = cost
        else:
            target = states.get(word, single_state)
            fst.arc(source, target, word_ids[word], word_ids[word], cost)

    for word, probability in model.single.items():
        follow(single_state, word, probability)
    for history, followers in model.pairs.items():
        for word, probability in followers.items():
            follow(states[history], word, probability)
        fst.arc(states[history], single_state, 0, 0, -math.log(model.back_off[history]))
    return fst
