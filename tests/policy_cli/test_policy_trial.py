"""`gateway policy test` runs a file's own cases, counts them by rule, and breaks each rule to see who notices."""

import pytest

CASES = """\
tests:
  - name: a card stays
    given: {prompt: "My card is 4111 1111 1111 1111", down: local}
    expect: {rule: private, sensitivity: restricted, refused: no_backend_available, zone_not: openai}
  - name: an address stays
    given: {findings: email}
    expect: {rule: private, sensitivity: confidential, backends: local}
  - name: hard goes out
    given: {complexity: hard}
    expect: {rule: hard, backends: [frontier, local], complexity: hard}
  - name: small talk is answered at home
    given: {prompt: "Say hello in Dutch"}
    expect: {rule: otherwise, backends: [local, frontier], complexity: simple}
"""


def test_cases_that_hold_are_counted_by_rule(shown, written) -> None:
    path = written(more=CASES)
    code, out, err = shown("test", path)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{path}: 4 of 4 cases hold",
        "  cases a rule: `private` 2, `hard` 1, `otherwise` 1",
        "  changes noticed: 10 of 10 (100 %)",
    ]


def test_changes_that_nobody_notices_are_named(shown, written) -> None:
    path = written(more=CASES.split("  - name: hard goes out")[0])
    code, out, _ = shown("test", path)
    assert code == 0
    assert "    not noticed: without rule `hard`" in out.splitlines()
    assert "    not noticed: without rule `private`" not in out.splitlines()


def test_a_score_below_what_is_asked_is_no_success(shown, written) -> None:
    assert shown("test", written(), "--min-score", "50")[0] == 1
    assert shown("test", written(more=CASES), "--min-score", "100")[0] == 0


def test_an_invariant_notices_too(shown, written) -> None:
    promise = (
        "invariants: [{always: {endpoint: chat, complexity: hard, sensitivity: public, reaches: {zone: openai}}}]\n"
    )
    _, out, _ = shown("test", written(("route: [local, frontier]", "route: [local]"), more=promise))
    assert "not noticed: without rule `hard`" not in out


def test_a_change_that_alters_no_decision_is_not_held_against_the_tests(shown, written) -> None:
    """Without `private` the clearance strikes the frontier out all the same."""
    path = written(("route: [frontier, local]", "route: [local]"), ("route: [local, frontier]", "route: [local]"))
    assert "changes noticed: 0 of 0 (100 %)" in shown("test", path)[1]


@pytest.mark.parametrize(
    ("given", "expect", "mistake"),
    [
        ("complexity: hard", "rule: private", "expected rule `private`, it is `hard`"),
        ("complexity: hard", "backends: local", "expected backends `local`, they are `frontier`, `local`"),
        ("findings: card", "refused: true", "expected a refusal, it is sent to `local`"),
        (
            "findings: card, down: local",
            "refused: no_cleared_backend",
            "expected the refusal `no_cleared_backend`, it is `no_backend_available`",
        ),
        ("down: local", "zone_not: openai", "expected nothing in zone `openai`, but `frontier` may be asked"),
        ("findings: email", "sensitivity: public", "expected sensitivity `public`, it is `confidential`"),
        ("complexity: hard", "complexity: simple", "expected complexity `simple`, it is `hard`"),
        ("endpoint: unknown", "backends: local", "expected backends `local`, they are none"),
    ],
)
def test_a_case_that_fails_says_what_it_found(shown, written, given, expect, mistake) -> None:
    path = written(more=f"tests:\n  - name: claim\n    given: {{{given}}}\n    expect: {{{expect}}}\n")
    code, out, _ = shown("test", path)
    assert code == 1
    assert out.splitlines()[0] == f"{path}:28:5: failed: claim: {mistake}"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("model: frontier", "pinned"),
        ("endpoint: unknown", "unknown-routes"),
        ("unreadable: true", "private"),
        ("sensitivity: confidential, complexity: hard", "private"),
        ("endpoint: generate, prompt: hello", "otherwise"),
        ("endpoint: chat_tokenize, prompt: hello, stream: true", "otherwise"),
        ("endpoint: embeddings, prompt: 'write to ada@lovelace-post.de'", "private"),
        ("prompt: 'write to ada@lovelace-post.de', sensitivity: public", "otherwise"),
        ("model: gpt-4o, needs: [tools, images], prompt_tokens: 9, max_tokens: 9", "otherwise"),
    ],
)
def test_a_case_becomes_the_request_that_a_client_would_send(shown, written, given, rule) -> None:
    path = written(more=f"tests:\n  - name: claim\n    given: {{{given}}}\n    expect: {{rule: {rule}}}\n")
    assert shown("test", path)[0] == 0


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (
            "{name: x, given: {}, expect: {}}",
            "`expect` in test 1 demands nothing; name a rule, backends or another key",
        ),
        ("{name: x, given: {}}", "missing key `expect` in test 1"),
        ("{name: x, given: {propmt: x}, expect: {rule: hard}}", "did you mean `prompt`?"),
        ("{name: x, given: {}, expect: {rule: hrad}}", "did you mean `hard`?"),
        ("{name: x, given: {down: cloud}, expect: {rule: hard}}", "use one of"),
        ("{name: x, given: {model: gpt-9}, expect: {rule: hard}}", "`model` in `given` of test 1 cannot be `gpt-9`"),
        ("{name: x, given: {}, expect: {refused: 'no'}}", "`refused` in `expect` of test 1 cannot be `no`"),
    ],
)
def test_a_wrong_case_is_told_with_its_place(shown, written, case, sentence) -> None:
    path = written(more=f"tests:\n  - {case}\n")
    code, _, err = shown("test", path)
    assert code == 2
    assert err.startswith(f"{path}:28:")
    assert sentence in err
