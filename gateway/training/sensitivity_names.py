"""Fits the tagger of names and addresses: two logistic regressions over the words that may be part of one."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier

from gateway.classify import names_weights
from gateway.classify.names import name_hashes
from gateway.classify.names_features import (
    BUCKETS,
    LEXICAL,
    LOWER,
    Lexicon,
    features,
    is_candidate,
    places_of,
    tokens,
    word_hash,
)
from gateway.training.sensitivity_carriers import well_known
from gateway.training.sensitivity_invented import Example, invented_examples, lexicon
from gateway.training.sensitivity_rows import NO_PERSON, Row

PENALTY = 5e-5
ROUNDS = 6
UNSEEN_WORDS = 0.35
"""Of the features that tell a word: left out at random while fitting, as if the word were new."""
UNLISTED_NAMES = 0.25
"""Of the names: taken for names that no list has."""
_NAME_BITS = 3
_PERSON, _ADDRESS, _PUBLIC = 1, 2, 3
_LABELS = {"PERSON": _PERSON, "ADDRESS": _ADDRESS}
INVENTED = "invented"


class Words(NamedTuple):
    """The words of many texts: a row of buckets each, and whether they are part of a person, an address or neither."""

    buckets: NDArray[np.int32]
    labels: NDArray[np.int8]


class Sample(NamedTuple):
    """What a fit may use: the words of each family of sources, and the lexicon they were looked up in."""

    words: dict[str, Words]
    lexicon: Lexicon


def sample_of(rows: Sequence[Row]) -> Sample:
    """The rows whose people and addresses are known, and the invented examples."""
    known = lexicon(row.text for row in rows if not row.spans_annotated or "public_text" in row.labels)
    examples: dict[str, list[Example]] = {INVENTED: list(invented_examples())}
    for row in rows:
        if _is_usable(row):
            examples.setdefault(row.family, []).append(_example(row))
    return Sample({family: _words(each, known) for family, each in examples.items()}, known)


def _is_usable(row: Row) -> bool:
    return bool(NO_PERSON.intersection(row.labels)) or (row.spans_annotated and "secret" not in row.labels)


def _example(row: Row) -> Example:
    """Of public texts the people are left out: they look like private ones, and are none."""
    is_public = "public_text" in row.labels
    kinds = {"PERSON": "PUBLIC"} if is_public else {}
    return Example(row.text, tuple((span.start, span.end, kinds.get(span.type, span.type)) for span in row.spans))


def _words(examples: Iterable[Example], known: Lexicon) -> Words:
    buckets, labels = [], []
    for row, label in (word for example in examples for word in _labelled(example, known)):
        buckets.append(row)
        labels.append(label)
    return Words(np.array(buckets, dtype=np.int32), np.array(labels, dtype=np.int8))


def _labelled(example: Example, known: Lexicon) -> Iterator[tuple[tuple[int, ...], int]]:
    text = example.text
    marked = bytearray(len(text))
    for start, end, kind in example.spans:
        label = _PUBLIC if kind == "PUBLIC" else _LABELS.get(kind, 0)
        marked[start:end] = bytes([label]) * (end - start)
    seen, is_small = tokens(text, 0, len(text), known), text.lower() == text
    dice = random.Random(word_hash(text))
    for at in places_of(seen):
        if marked[seen.starts[at]] == _PERSON and dice.random() < UNLISTED_NAMES:
            seen.kinds[at] &= ~_NAME_BITS
    for at in places_of(seen):
        label = marked[seen.starts[at]]
        if label != _PUBLIC and (is_candidate(seen.forms[at]) or (is_small and seen.forms[at] == LOWER)):
            yield features(seen, at), label


def fit(sample: Sample, without: Iterable[str] = ()) -> bytes:
    """The weights file fitted on all families but those in `without`."""
    dice = np.random.default_rng(0)
    used = [words for family, words in sample.words.items() if family not in set(without) and len(words.labels)]
    buckets = np.concatenate([words.buckets for words in used])
    labels = np.concatenate([words.labels for words in used])
    left_out = dice.random(buckets.shape) < UNSEEN_WORDS
    left_out[:, :LEXICAL] = False
    buckets[left_out] = 0
    design = _design(buckets)
    people, places = _regression(design, labels == _PERSON), _regression(design, labels == _ADDRESS)
    known = {each for name in well_known() for each in name_hashes(name)}
    biases = (float(people.intercept_[0]), float(places.intercept_[0]))
    return names_weights.dump(sample.lexicon, people.coef_[0].tolist(), places.coef_[0].tolist(), biases, known)


def _design(buckets: NDArray[np.int32]) -> csr_matrix:
    count, width = buckets.shape
    starts = np.arange(0, count * width + 1, width)
    design = csr_matrix((np.ones(buckets.size, dtype=np.float32), buckets.ravel(), starts), shape=(count, BUCKETS))
    design.sum_duplicates()
    return design


def _regression(design: csr_matrix, is_part: NDArray[np.bool_]) -> SGDClassifier:
    model = SGDClassifier(loss="log_loss", alpha=PENALTY, max_iter=ROUNDS, tol=None, random_state=0, average=True)
    return model.fit(design, is_part)
