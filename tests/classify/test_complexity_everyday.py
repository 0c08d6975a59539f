"""The shipped weights on requests that were written for this test and that no fit has seen.

The settings of the fit were chosen with an eye on `EASY` and `HARD`; the two `LATER` lists were written afterwards.
"""

import pytest

from gateway.classify import complexity
from gateway.classify.weights import Weights, shipped_weights
from gateway.core.labelling import Labelling

TIERS = Labelling(kinds={})

EASY = (
    "hello",
    "Say hi",
    "thx, that worked",
    "What is the capital of France?",
    "Translate good morning to Spanish",
    "How do I say 'two tickets, please' in Polish?",
    "What time zone is Lisbon in?",
    "Write a get-well card for my aunt Rosa.",
    "Please shorten this: I am writing to you in order to ask whether you might be free on Monday.",
    "Is 'I hate waiting in line' positive, negative or neutral?",
    "Give me five names for a goldfish",
    "What rhymes with orange?",
    "Fix the commas: apples pears and plums",
    "Make a shopping list for pancakes",
    "Tell my landlord politely that the tap drips",
    "Who wrote Pride and Prejudice?",
    "Convert 10 km to miles",
    "Tag this ticket as billing or technical: I was charged twice for May.",
    "What's the email address in this text? Write to jo@example.com before noon.",
    "Summarize: the picnic moves from Saturday to Sunday because rain is forecast.",
    "Give me a fun fact about otters",
    "How many days are in February?",
    "Write a tweet announcing our new opening hours",
    "Spell accommodation",
)
HARD = (
    "Prove that the sum of two transcendental numbers need not be transcendental.",
    "Let G be a group of order 45. Show that G is abelian.",
    "Derive the dispersion relation of waves in a cold magnetised plasma.",
    "Evaluate the integral of x^2 / (e^x - 1) from 0 to infinity and justify exchanging sum and integral.",
    "Debug this concurrency bug: our worker pool hangs when a task submits another task and waits for it.",
    "Our Kafka consumer occasionally skips offsets after a rebalance. Work out why and write the fix.",
    "Design a globally distributed counter with bounded staleness and explain what happens in a partition.",
    "Design an authentication system for hospitals that keeps working while the identity provider is down.",
    "Implement a persistent segment tree in Rust with range updates and prove its complexity.",
    "Write a compiler pass in C++ that eliminates partial redundancies, and argue that it preserves semantics.",
    "Rewrite this recursive SQL query so that it runs in linear time on a cyclic graph.",
    "A company sells goods under a retention clause and the buyer becomes insolvent. Analyse each party's rights.",
    "A 34-year-old has jaundice, confusion and a falling platelet count after delivery. What is the diagnosis?",
    "Compare Kant's and Hume's accounts of causation and defend one against the strongest objection.",
    "How many integers n below 1000 make n^2 + n + 41 composite? Explain your method.",
    "Find the eigenvalues of the n x n matrix whose entries are min(i, j).",
    "A particle moves in the potential V(r) = -k/r^3. Determine the stability of its circular orbits.",
    "Explain why this lock-free queue suffers from the ABA problem and fix it with hazard pointers.",
    "Model the spread of a rumour as a branching process and compute the probability that it dies out.",
    "Plan the migration of a 40 TB PostgreSQL cluster to another region without downtime; list every risk.",
    "Given the reaction mechanism below, derive the rate law under the steady-state approximation.",
    "Critique the identification strategy of a difference-in-differences study with staggered adoption.",
    "Construct a context-free grammar for strings with twice as many a's as b's and prove it correct.",
    "Optimise this CUDA kernel: it is bound by shared-memory bank conflicts and divergent warps.",
)

LATER_EASY = (
    "good night!",
    "What colour do you get from blue and yellow?",
    "Can you write a short note to say I will be ten minutes late?",
    "Turn 'she walk to school' into correct English",
    "Which month has 28 days?",
    "Reply to this invitation with a yes: Dinner at ours on the 4th?",
    "Put these in alphabetical order: pear, fig, melon",
    "Describe a sunny beach in two sentences",
    "Is a tomato a fruit?",
    "Pick the right folder for this mail, invoices or personal: Your receipt for March is attached.",
    "Who painted the Mona Lisa?",
    "Shorten to ten words: The museum will be closed on Wednesday afternoon because the staff is away.",
    "Give me a password hint for my dog's name",
    "How long do you boil an egg?",
    "Say 'have a nice trip' in Swedish",
    "Make this heading shorter: Our great summer sale starts on Monday morning",
    "Write a Python line that prints hello",
    "what's up?",
    "Recommend a film for a rainy evening",
    "Does this customer sound angry? 'Where is my order, it has been three weeks!'",
)
LATER_HARD = (
    "Show that a continuous bijection from a compact space to a Hausdorff space is a homeomorphism.",
    "Compute the residue of e^z / (z^2 (z - 1)) at every pole and use it to evaluate a contour integral.",
    "Our Rust service deadlocks once a day. Two tasks hold an async mutex across an await; find and repair it.",
    "Design the storage layer of an event-sourced bank and explain how to rebuild balances after corruption.",
    "Derive Kepler's third law from Newton's law of gravitation without assuming circular orbits.",
    "Give an O(n log n) algorithm for the longest increasing subsequence and prove that it is optimal.",
    "Analyse whether the doctrine of promissory estoppel would help a contractor who relied on an oral variation.",
    "A child has recurrent infections, eczema and small platelets. Name the gene defect and explain the mechanism.",
    "Find every real solution of the system x + y + z = 3, x^2 + y^2 + z^2 = 5, xyz = -1.",
    "Write a type checker for a lambda calculus with let-polymorphism in OCaml.",
    "Why does this distributed lock built on a cache allow two owners? Propose a fencing scheme and its limits.",
    "Evaluate the monetary policy response to a supply shock when expectations are not anchored.",
    "Predict the major product of this pericyclic reaction and justify its stereochemistry with orbital symmetry.",
    "Construct a counterexample to the claim that pointwise limits of Riemann integrable functions are integrable.",
    "Design an experiment that separates selection from treatment effects when participants choose their own dose.",
    "Profile and vectorise this convolution in C so that it saturates memory bandwidth on an ARM server.",
    "Six people sit at a round table with three constraints on neighbours; count the seatings and explain.",
    "Reconcile Rawls's difference principle with desert-based theories, and say where the reconciliation fails.",
    "Determine the steady-state temperature of a rod with a temperature-dependent conductivity.",
    "Migrate this monolith's session handling to stateless tokens without logging anyone out; cover revocation.",
)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return shipped_weights()


def need(prompt: str, weights: Weights) -> float:
    return complexity.score({"messages": [{"role": "user", "content": prompt}]}, weights)


@pytest.mark.parametrize(("easy", "hard"), [(EASY, HARD), (LATER_EASY, LATER_HARD)], ids=["known", "later"])
def test_hard_requests_score_above_easy_ones(easy, hard, weights):
    pairs = [(need(above, weights), need(below, weights)) for above in hard for below in easy]
    assert sum(above > below for above, below in pairs) / len(pairs) >= 0.9  # the area under the ROC curve


@pytest.mark.parametrize("prompt", ["What is the capital of France?", "Translate good morning to Spanish", "Say hi"])
def test_a_trivial_request_is_simple(prompt, weights):
    assert need(prompt, weights) < TIERS.medium_from


def test_most_easy_requests_are_simple_and_none_is_hard(weights):
    needs = [need(prompt, weights) for prompt in EASY + LATER_EASY]
    assert sum(score < TIERS.medium_from for score in needs) >= 0.8 * len(needs)
    assert max(needs) < TIERS.hard_from


def test_most_hard_requests_are_hard_and_few_are_simple(weights):
    needs = [need(prompt, weights) for prompt in HARD + LATER_HARD]
    assert sum(score >= TIERS.hard_from for score in needs) >= 0.55 * len(needs)
    assert sum(score < TIERS.medium_from for score in needs) <= 0.2 * len(needs)
