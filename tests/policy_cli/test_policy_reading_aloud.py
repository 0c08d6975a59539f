"""`gateway policy prose` says what is signed for; `gateway policy diff` says what two policies decide differently."""

import hashlib

import pytest


def test_prose_names_the_file_it_is_about_by_its_digest(shown, written) -> None:
    path = written()
    code, out, err = shown("prose", path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (code, err) == (0, "")
    assert f"`{digest}`" in out
    assert out.splitlines()[-1].startswith(f"Signed for {digest[:12]}: ___")


@pytest.mark.parametrize(
    "sentence",
    [
        "# Policy `house`, version 7",
        "Owner: dpo@acme.test.",
        "- Zone `openai` (region us, kept there: unknown) may receive nothing above internal. Backends there: ",
        "- Zone `on_prem` (region not said, kept there: unknown) may receive anything. Backends there: `local`.",
        "- Confidential: `email`, `phone`.",
        "- Public: whatever nothing is found in.",
        "2. A request to a path that the gateway does not know is answered with 404.",
        "3. A request that is confidential or restricted goes to `local` (rule `private`).",
        "4. A request that is hard goes to `frontier`, then `local` (rule `hard`).",
        "5. Any other request goes to `local`, then `frontier` (rule `otherwise`).",
        "- No request goes to a zone that is cleared for less than its class (proved over ",
    ],
)
def test_prose_says_each_thing_that_the_file_means(shown, written, sentence) -> None:
    assert sentence in shown("prose", written())[1]


def test_prose_hides_no_broken_promise(shown, written) -> None:
    leak = "invariants: [{never: {complexity: hard, reaches: {zone: openai}}}]\n"
    assert "goes to zone `openai` (BROKEN: see `gateway policy check`)" in shown("prose", written(more=leak))[1]


def test_layout_and_comments_are_no_difference(shown, written) -> None:
    old, new = written(), written(("rules:\n", "# the rules\nrules:\n"), name="new.yaml")
    assert shown("diff", old, new) == (0, "they mean the same\n", "")


def test_a_rule_that_changes_nothing_is_a_difference_of_words_alone(shown, written) -> None:
    rule = "  - {name: more, when: {stream: true, sensitivity: restricted}, route: [local]}\n"
    new = written(("  - name: private", rule + "  - name: private"), name="new.yaml")
    code, out, _ = shown("diff", written(), new)
    assert code == 1
    assert "  rule `more`: not there ⇒ number 1: streamed and restricted → `local` (" in out
    assert "what is decided, while no backend is down: the same" in out


def test_what_is_routed_differently_is_shown_with_an_example(shown, written) -> None:
    new = written(("when: {complexity: hard}", "when: {complexity: {at_least: medium}}"), name="new.yaml")
    code, out, _ = shown("diff", written(), new)
    assert code == 1
    assert "  `local`, `frontier` by `otherwise` ⇒ `frontier`, `local` by `hard`: " in out
    assert "such as `chat`, public, medium" in out


def test_a_price_is_a_difference_that_moves_no_request(shown, written) -> None:
    new = written(("output_usd_per_million: 30", "output_usd_per_million: 15"), name="new.yaml")
    code, out, _ = shown("diff", written(), new)
    assert code == 1
    assert "5 in, 30 out (USD a million tokens) ⇒ 5 in, 15 out (USD a million tokens)" in out


def test_a_finding_of_another_class_is_told_as_such(shown, written) -> None:
    new = written(("card: restricted", "card: confidential"), name="new.yaml")
    assert "class of `card`: restricted ⇒ confidential" in shown("diff", written(), new)[1]
