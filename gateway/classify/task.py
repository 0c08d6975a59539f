"""What a request asks for, told by words, pairs of words and signs that the complexity model has read already.

Asking for two hundred of them is one intersection of sets. Each counts for one task; the task with the most wins, if it
reaches `ENOUGH`. The words were written for this project.
"""

from collections.abc import Iterator, Mapping
from math import log1p
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

from gateway.classify.features import COUNTERS, Features
from gateway.core.labels import Task

ENOUGH = 2.0
_SURE, _LIKELY, _WEAK = 2.0, 1.0, 0.5
_DIGITS, _CODE_MARKS, _DOLLARS, _BACKSLASHES = map(
    COUNTERS.index, ("digits", "code marks", "dollar signs", "backslashes")
)
_SOME = log1p(2)  # counters are logarithms of one more than the count

_WORDS: Mapping[Task, Mapping[float, str]] = MappingProxyType(
    {
        Task.CODE: {
            _SURE: "python javascript typescript sql leetcode refactor golang php powershell numpy pandas regex "
            "jquery def println printf stdout stacktrace dockerfile kotlin webpack the_code this_code source_code "
            "code_that code_to code_snippet write_code code_for in_java in_rust c_program c_function public_class "
            "select_from a_function function_to create_table regular_expression next_js markdown yaml",
            _LIKELY: "code java rust compile compiler debug function algorithm int void array bash css html elif const "
            "struct c echo recursion program",
            _WEAK: "script import return string loop api query bug exception syntax variable class method endpoint "
            "server database implement null boolean error list",
        },
        Task.MATHS: {
            _SURE: "equation integral derivative polynomial cosine eigenvalue frac sqrt theorem modulo arithmetic "
            "solve_for value_of the_value remainder_when probability_that square_root divided_by perimeter hypotenuse "
            "how_many how_tall axioms",
            _LIKELY: "integer integers prime triangle probability calculate compute solve angle radius matrix "
            "divisible fraction percent average maths math mathematics times twice multiply subtract how_much how_long "
            "positive_integer real_numbers sum product remainder ratio area proof prove cm degree sphere",
            _WEAK: "each per half number numbers total more_than less_than cost hours mass speed wavelength",
        },
        Task.TRANSLATION: {
            _SURE: "translate translating translated traduce traduis traduire übersetze übersetzen traduci",
            _LIKELY: "translation translation_of to_english into_english in_spanish into_french into_german to_chinese "
            "to_french to_spanish from_english",
        },
        Task.SUMMARY: {
            _SURE: "summarize summarise summarizing summarising tldr tl_dr a_summary main_points the_gist "
            "key_takeaways fasse_zusammen condense meeting_notes short_notes",
            _LIKELY: "summary summary_of key_points shorten takeaways brief_summary in_brief an_overview notes",
        },
        Task.EXTRACTION: {
            _SURE: "extract extracting extraction extract_the keywords_from names_from named_entities "
            "entity_recognition identify_all find_all list_all pull_out entities_in all_mentions",
            _LIKELY: "extracted find_the emails entities keywords keyword information_from mentioned_in the_text "
            "the_attributes mentions from_this",
        },
        Task.CLASSIFICATION: {
            _SURE: "classify categorize categorise which_category the_sentiment sentiment_of or_negative is_spam "
            "as_spam",
            _LIKELY: "sentiment label category categories positive negative neutral spam topics_from one_label classes",
        },
    }
)
_BEFORE = (Task.CODE, Task.TRANSLATION, Task.SUMMARY, Task.CLASSIFICATION, Task.EXTRACTION, Task.MATHS)
"""Of tasks that count alike the first is meant: what translates a program is code."""


class _Pair(NamedTuple):
    """A word that comes right after another: its hash with it, as `features` has pairs, and what it tells."""

    then: bytes
    bucket: int
    task: Task
    weight: float


def _terms() -> Iterator[tuple[str, Task, float]]:
    for task, groups in _WORDS.items():
        for weight, terms in groups.items():
            yield from ((term, task, weight) for term in terms.split())


def _pairs() -> dict[bytes, tuple[_Pair, ...]]:
    """By the first word."""
    found: dict[bytes, tuple[_Pair, ...]] = {}
    for term, task, weight in _terms():
        first, _, then = (part.encode() for part in term.partition("_"))
        if then:
            bucket = (crc32(first) >> 16) ^ (crc32(then) & 0xFFFF)
            found[first] = (*found.get(first, ()), _Pair(then, bucket, task, weight))
    return found


_ALONE = {term.encode(): (task, weight) for term, task, weight in _terms() if "_" not in term}
_PAIRS = _pairs()
_ASKED = frozenset(_ALONE.keys() | _PAIRS.keys())


def task_of(seen: Features) -> Task:
    """The task that the most speaks for; `chat` where nothing speaks loud enough."""
    counters = seen.counters
    sums = dict.fromkeys(_BEFORE, 0.0)
    for word in seen.words & _ASKED:
        if word in _ALONE:
            task, weight = _ALONE[word]
            sums[task] += weight
        for pair in _PAIRS.get(word, ()):
            if pair.bucket in seen.buckets and pair.then in seen.words:  # a bucket alone may be of other words
                sums[pair.task] += pair.weight
    if counters[_CODE_MARKS]:
        sums[Task.CODE] += _SURE if counters[_CODE_MARKS] >= _SOME else _LIKELY
    if counters[_BACKSLASHES] and counters[_DOLLARS]:
        sums[Task.MATHS] += _SURE
    if not counters[_DIGITS]:
        sums[Task.MATHS] /= 2  # prose has words of number and measure too
    most = max(sums, key=sums.__getitem__)
    return most if sums[most] >= ENOUGH else Task.CHAT
