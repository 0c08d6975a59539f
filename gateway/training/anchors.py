"""Everyday requests, written for this project, that stand in for chat traffic with outcomes, of which none is free.

Benchmarks hold no small talk and no e-mail to polish, and hardly a design question. These sentences tell the model the
authors' opinion of such requests: an opinion, not a measurement, with a stated share of the fit (docs/classifier.md).
"""

from collections.abc import Iterator, Mapping
from itertools import product
from string import Formatter
from types import MappingProxyType

import msgspec

EASY, MIDDLING, HARD = 0.05, 0.35, 0.85
"""The need for the strong model that the authors ascribe to the three groups."""

_MOST_OF_A_PATTERN = 24


class Anchor(msgspec.Struct, frozen=True):
    """A sentence and the need ascribed to it. `pattern` numbers what it was made from: a split keeps that whole."""

    prompt: str
    need: float
    pattern: int


_SLOTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "phrase": (
            "good evening", "see you tomorrow", "where is the station", "I would like a coffee", "happy new year",
            "the shop opens at nine", "can you help me", "the train is late", "we are out of milk",
        ),
        "language": ("French", "German", "Italian", "Portuguese", "Dutch", "Japanese", "Spanish", "English"),
        "someone": ("my sister", "a colleague", "our neighbours", "my teacher", "a customer", "the whole team", "dad"),
        "text": ("thank-you note", "invitation", "reminder", "out-of-office reply", "toast", "caption", "greeting"),
        "tone": ("friendly", "formal", "polite", "cheerful", "concise", "casual"),
        "note": (
            "the delivery comes on Friday between two and four and someone has to sign for it",
            "Anna will bring the slides, Tom books the room and lunch is at noon",
            "the printer on the third floor is broken again and a technician was called",
            "sales rose a little in spring and fell back in summer because of the rain",
            "please call Maria at the front desk before Thursday about the missing parcel",
        ),
        "review": (
            "the soup was cold and nobody said sorry", "best holiday we ever had", "works as described",
            "the battery died after a week", "lovely staff and a clean room", "never again",
        ),
        "fact": ("colour", "currency", "largest city", "official language", "national dish", "flag"),
        "place": ("Portugal", "Kenya", "Canada", "Norway", "Japan", "Peru", "Italy", "Egypt"),
        "things": ("fruits", "birds", "card games", "names for a cat", "ideas for dinner", "winter sports", "hobbies"),
        "word": ("quick", "happy", "large", "tired", "beautiful", "angry", "begin", "important"),
        "field": ("date", "name", "time", "place", "phone number", "price"),
        "topic": ("a rainy day", "autumn leaves", "my old bicycle", "coffee", "the sea", "a sleepy cat"),
        "dull_code": (
            "reverses a string", "adds two numbers", "prints the numbers from one to ten", "reads a text file",
            "counts the vowels in a word", "checks whether a number is even",
        ),
        "coding": ("Python", "JavaScript", "Java", "C++", "Rust", "Go"),
        "idea": (
            "photosynthesis", "inflation", "compound interest", "recursion", "how vaccines work", "the water cycle",
            "supply and demand", "what an API is", "how a mortgage works", "plate tectonics",
        ),
        "pair": (
            "renting and buying a flat", "trains and planes for short trips", "SQL and NoSQL databases",
            "electric and petrol cars", "tabs and spaces", "remote and office work",
        ),
        "claim": (
            "every bounded monotone sequence converges", "the square root of a prime is irrational",
            "a finite integral domain is a field", "any tree with n nodes has n minus one edges",
            "the halting problem is undecidable", "every continuous map of the closed disc has a fixed point",
            "there is no largest prime", "a graph is bipartite exactly when it has no odd cycle",
        ),
        "formula": (
            "the Black-Scholes equation", "the Euler-Lagrange equations", "the variance of a sum of dice rolls",
            "the time dilation factor", "the normal equations of least squares", "the heat equation",
            "Bayes' rule for a chain of noisy sensors", "the expected running time of randomised quicksort",
        ),
        "fault": (
            "two threads take the same locks in opposite order", "a counter is lost under concurrent updates",
            "the heap grows until the pod is killed", "a message is consumed twice after a rebalance",
            "an awaited task is never cancelled", "the cache returns stale rows after a failover",
            "a segmentation fault appears only in the release build", "the test fails once in a thousand runs",
        ),
        "system": (
            "a rate limiter shared by forty servers", "a payment ledger", "a chat service for millions of users",
            "a replicated key-value store", "a fraud detection pipeline", "a scheduler for GPU jobs",
            "a search index with live updates", "a zero-downtime database migration",
        ),
        "demand": (
            "must survive the loss of a region", "never charges a customer twice", "answers within ten milliseconds",
            "keeps strict ordering for each key", "stays consistent under network partitions",
        ),
        "algorithm": (
            "a red-black tree with deletion", "the Hungarian algorithm", "a lock-free stack", "suffix automata",
            "an incremental garbage collector", "Raft leader election", "a B-tree with concurrent readers",
            "the fast Fourier transform",
        ),
        "quarrel": (
            "a subcontractor walks off after a late payment and the client claims the delay", "an heir contests a will",
            "a supplier invokes force majeure during a strike", "a tenant sublets without consent",
            "an employee takes a customer list to a rival",
        ),
        "case": (
            "sudden chest pain, a low oxygen level and a swollen calf",
            "fever, a new murmur and red spots on the palms",
            "weight loss, tremor and a fast pulse", "fluctuating weakness and double vision in the evening",
        ),
        "thesis": (
            "central bank independence", "universal basic income", "strategic tariffs", "the simulation argument",
            "moral luck", "open-source licences in defence", "carbon border taxes",
        ),
        "slow": (
            "a nightly batch job", "a join over two huge tables", "an image decoder", "a matrix kernel on the GPU",
            "a garbage-collected trading engine", "a regular expression with backtracking", "a Kubernetes rollout",
        ),
        "measure": (
            "profiling", "a lower bound", "cache misses and memory bandwidth", "tail latency", "contention on one lock",
            "a cost model", "vectorised instructions",
        ),
        "method": (
            "instrumental variables", "a randomised trial with dropouts", "regression discontinuity",
            "a hierarchical Bayesian model", "survival analysis with censoring", "causal graphs", "matching on scores",
        ),
        "body": (
            "a charged bead on a rotating wire", "two coupled pendulums", "a rocket that loses mass",
            "an ideal gas in a leaking cylinder", "a photon near a black hole", "an electron in a finite well",
        ),
        "structure": (
            "an abelian group", "a compact metric space", "a finite field", "a planar graph", "a Hilbert space",
            "a convex polytope", "a commutative ring", "a Markov chain", "a continuous function on an interval",
        ),
        "property": (
            "is unique up to isomorphism", "has a minimal element", "attains its supremum", "decomposes into primes",
            "admits a perfect matching", "is complete", "has measure zero", "converges almost surely",
        ),
        "error": (
            "off by one", "passive voice", "a missing comma", "double spaces", "a wrong capital letter", "slang",
        ),
        "animal": ("hedgehogs", "penguins", "bees", "horses", "dolphins", "parrots"),
        "dish": ("lasagne", "a tomato soup", "scrambled eggs", "a fruit salad", "an apple pie", "fried rice"),
        "plan": ("a birthday party", "a day at the beach", "the weekly cleaning", "a school trip", "a job interview"),
        "amount": ("5 pounds", "3 litres", "20 degrees Celsius", "two hours", "100 yards", "a dozen"),
        "quantity": ("maximum", "probability", "remainder", "number of solutions", "expected value", "limit"),
    }
)  # fmt: skip

_PATTERNS: Mapping[float, tuple[str, ...]] = MappingProxyType(
    {
        EASY: (
            "hi", "Hello there!", "Good morning", "Thank you so much!", "ok great, bye", "How are you today?",
            "Tell me a joke", "What is your name?", "yes please", "Can you help me with something?",
            "Translate \"{phrase}\" into {language}", "How do you say {phrase} in {language}?",
            "Write a short {text} for {someone}", "Draft a {tone} {text} to {someone}",
            "Make this sound more {tone}: {phrase}", "Rewrite in a {tone} tone: {note}",
            "Sum this up in one sentence: {note}", "Summarize the message below.\n\n{note}",
            "Is this review positive or negative? {review}", "Classify the sentiment of: {review}",
            "Label this message as complaint or praise: {review}", "What is the {fact} of {place}?",
            "Where is {place}?", "Name five {things}", "List ten {things}.", "Give me another word for {word}",
            "What is the opposite of {word}?", "Pull the {field} out of this: {note}",
            "Which {field} is mentioned here? {note}", "Fix the spelling: {phrase}", "Write a short poem about {topic}",
            "Suggest a title for a post about {topic}", "Write a {coding} function that {dull_code}",
            "Turn this into bullet points: {note}", "What day comes after Tuesday?", "What is 3 plus 4?",
            "What is the capital of {place}?", "Which continent is {place} on?", "How do you pronounce {word}?",
            "Is {word} a noun or an adjective?", "Remove {error} from this text: {note}", "Write a recipe for {dish}",
            "What goes well with {dish}?", "Tell me a fun thing about {animal}", "What do {animal} eat?",
            "What is {amount} in other units?", "Make a checklist for {plan}", "Suggest music for {plan}",
            "Answer this mail kindly: {note}", "Write a slogan for a shop that sells {dish}",
            "Sort these alphabetically: {word}, table, moon, garden", "Continue: once upon a time there were {animal}",
            "Does this mail need an answer, yes or no? {note}", "Which language is this? {phrase}", "Great, thanks",
            "Pick one of: sports, politics, travel. Text: {review}", "What is a good gift for {someone}?", "ok",
            "Use {word} in a sentence", "Tell me something nice about {topic}",
            "{someone} says that the bill for the {things} was charged twice. Explain what to do.",
            "Draft a refund note to {someone}", "Apologise to {someone} for the late delivery of the {things}",
        ),
        MIDDLING: (
            "Explain {idea} to a beginner", "Explain {idea} in simple terms, with one example",
            "Compare {pair}: what speaks for each?", "Write a {coding} script that {dull_code} and handles errors",
            "Write a one-page article about {idea}", "Plan a weekend in {place} for a family of four",
            "What are the causes of {idea}?", "Write unit tests for a {coding} function that {dull_code}",
        ),
        HARD: (
            "Prove that {claim}.", "Show rigorously that {claim}, or give a counterexample.",
            "Derive {formula} from first principles.", "Derive {formula} and state every assumption you use.",
            "Here is the symptom: {fault}. Find the cause and fix it without a global lock.",
            "In our {coding} program {fault}. Debug it step by step.",
            "Design {system} that {demand}. Discuss the failure modes.",
            "Propose an architecture for {system}; it {demand}. What breaks first?",
            "Implement {algorithm} in {coding} and explain why it is correct.",
            "Analyse the time and space complexity of {algorithm} and improve the worst case.",
            "Legal question: {quarrel}. Who is liable, and on what reasoning?",
            "A patient presents with {case}. Give a differential diagnosis and the next tests.",
            "Critically evaluate the strongest arguments for and against {thesis}.",
            "Find the {quantity} if x^2 + 3xy - y^2 = 7 with x, y integers, and justify each step.",
            "Find the {quantity} of f(n) = \\frac{{n^2+1}}{{2n-1}} over all n > 3.",
            "{slow} has become too slow. Find the bottleneck with {measure} and make it ten times faster.",
            "Optimise {slow}; reason about {measure} before you change anything.",
            "Our {coding} service runs on many nodes and {fault}. Give the root cause and a tested patch.",
            "Why does {fault} under load? Reason about memory ordering and propose a correct scheme.",
            "Migrate {system} without an outage and list what can go wrong at each step.",
            "Write {algorithm} from scratch in {coding}, with invariants and a complexity bound.",
            "Let X be {structure}. Prove or disprove that X {property}.", "Show that {structure} {property}.",
            "Find all n for which {structure} of order n {property}.",
            "Determine the equations of motion of {body} and discuss their stability.",
            "Calculate the {quantity} for {body}, deriving each formula that you need.",
            "Assess a study that relies on {method}: which assumptions fail, and how would you repair it?",
            "Estimate the effect with {method} and derive the variance of the estimator.",
            "Defend {thesis} against its strongest objection, then refute your own defence.",
            "Draft the legal argument for the defendant: {quarrel}. Distinguish the contrary authority.",
            "A patient deteriorates: {case}. What is the mechanism, and which treatment is contraindicated?",
            "Refactor this {coding} module: {fault}, and no caller may change.",
        ),
    }
)  # fmt: skip


def anchors() -> Iterator[Anchor]:
    """All of them, in an order that never changes; a pattern with many fillings gives an even choice of them."""
    number = 0
    for ascribed, patterns in _PATTERNS.items():
        for pattern in patterns:
            yield from (Anchor(prompt, ascribed, number) for prompt in _filled(pattern))
            number += 1


def _filled(pattern: str) -> list[str]:
    names = [name for _, name, _, _ in Formatter().parse(pattern) if name]
    fillings = list(product(*(_SLOTS[name] for name in names)))
    taken = min(len(fillings), _MOST_OF_A_PATTERN)
    chosen = (fillings[turn * len(fillings) // taken] for turn in range(taken))
    return [pattern.format(**dict(zip(names, filling, strict=True))) for filling in chosen]
