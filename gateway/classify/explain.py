"""Why a request got its complexity score: the features that weighed most, in words, beside a typical request."""

from math import sqrt

from gateway.classify.complexity import features_of
from gateway.classify.features import COUNTERS, Features
from gateway.classify.weights import Weights

MOST = 5
_WORDS = "its words and pairs of words"
_NOTHING, _UNREAD = "nothing to answer", "nothing that could be read as text"


def explain(document: object, weights: Weights) -> tuple[str, ...]:
    """The heaviest first: a feature, and how far it moved the log-odds of the score. No word of the request."""
    seen = features_of(document)
    if not isinstance(seen, Features):
        return (_UNREAD if seen else _NOTHING,)
    moved = {
        name: weight * (count - typical)
        for name, weight, count, typical in zip(COUNTERS, weights.counters, seen.counters, weights.typical, strict=True)
    }
    if seen.buckets:
        moved[_WORDS] = sum(map(weights.buckets.__getitem__, seen.buckets)) / sqrt(len(seen.buckets))
    heaviest = sorted(moved, key=lambda name: -abs(moved[name]))[:MOST]
    return tuple(f"{name}: {'more' if moved[name] > 0 else 'less'} need ({moved[name]:+.2f})" for name in heaviest)
