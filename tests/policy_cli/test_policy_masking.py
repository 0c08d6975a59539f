"""What masks do is seen by every verb: cases, changes that drop a mask, explanations, checks."""

import pytest

RULE = (
    "  - name: private\n",
    "  - {name: polite, when: {findings: email}, route: [{to: frontier, mask: email}, local]}\n  - name: private\n",
)
CASES = """\
tests:
  - name: a letter goes out without the address
    given: {prompt: "Write to ada@lovelace-post.de that her order is late"}
    expect: {rule: polite, sensitivity: confidential, backends: [frontier, local]}
  - name: so does one that is only described
    given: {findings: email}
    expect: {rule: polite, backends: [frontier, local]}
  - name: a card number in it keeps it at home
    given: {prompt: "Write to ada@lovelace-post.de about card 4111 1111 1111 1111"}
    expect: {rule: polite, sensitivity: restricted, backends: local}
"""


@pytest.fixture
def masking(written):
    return written(RULE, more=CASES)


def test_cases_are_decided_on_what_would_be_sent(shown, masking) -> None:
    code, out, _ = shown("test", masking)
    assert code == 0, out
    assert out.splitlines()[0] == f"{masking}: 3 of 3 cases hold"


def test_a_mask_that_is_dropped_is_noticed(shown, masking, written) -> None:
    assert "without the mask" not in shown("test", masking)[1]
    untested = written(RULE, name="untested.yaml")
    assert "not noticed: rule `polite` without the mask on `frontier`" in shown("test", untested)[1]


def test_a_route_that_may_be_taken_masked_is_not_called_dead(shown, masking) -> None:
    assert shown("check", masking)[0] == 0


def test_a_masked_route_is_explained(shown, masking) -> None:
    _, out, _ = shown("explain", masking, "--prompt", "Write to ada@lovelace-post.de that her order is late")
    assert "1. `frontier` with `email` masked (" in out
    _, out, _ = shown("explain", masking, "--prompt", "ada@lovelace-post.de, card 4111 1111 1111 1111")
    assert "✗ `frontier`: clearance: " in out
    assert "even with `email` masked" in out
