"""`gateway policy explain` says why a request goes where it goes, and what would send it elsewhere."""

import json
import re

import pytest

CARD = "My card is 4111 1111 1111 1111, why was I charged twice?"


def test_a_sensitive_prompt_is_explained_from_its_signals_to_its_routes(shown, written) -> None:
    code, out, err = shown("explain", written(), "--prompt", CARD)
    lines = [line.strip() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert "`card` × 1, sure to 0.99: restricted" in lines
    assert "✓ private: confidential or restricted: yes" in lines
    assert "hard: hard: no (not asked any more)" in lines
    (route,) = (line for line in lines if line.startswith("1. "))
    assert route.startswith("1. `local` (30s to the first byte, 600s in all) in zone `on_prem`, 0.0000")
    assert route.endswith(" USD for the prompt and 0.001 for 1,000 tokens of answer")


def test_the_score_stands_with_its_distance_to_each_threshold(shown, written) -> None:
    (line,) = (
        line
        for line in shown("explain", written(), "--prompt", "Say hello in Dutch")[1].splitlines()
        if "score" in line
    )
    assert line.split(", score ")[0].split() == ["complexity", "simple"]
    assert " below medium (0.3), " in line
    assert line.endswith(" below hard (0.4)")


def test_what_weighed_most_in_the_score_is_told_in_words(shown, written) -> None:
    prompt = "Prove that the series converges, step by step, and justify each step. Do not use integrals."
    lines = shown("explain", written(), "--prompt", prompt)[1].splitlines()
    score = next(number for number, line in enumerate(lines) if line.startswith("  complexity"))
    reasons = [line.strip() for line in lines[score + 1 : score + 6]]
    assert all(re.fullmatch(r"[a-zA-Z ]+: (more|less) need \([+-]\d+\.\d\d\)", reason) for reason in reasons)
    assert any(reason.startswith("asks for a proof: more need") for reason in reasons)
    moved = [abs(float(reason.split("(")[1].rstrip(")"))) for reason in reasons]
    assert moved == sorted(moved, reverse=True)


def test_what_would_send_it_elsewhere_is_told_one_change_at_a_time(shown, written) -> None:
    _, out, _ = shown("explain", written(), "--prompt", "Say hello in Dutch")
    elsewhere = out.split("it would go elsewhere\n")[1]
    assert "  `frontier`, `local` if\n    it were hard (from 0.4 on)\n" in elsewhere
    assert "    it were confidential or restricted\n" in elsewhere
    assert "    it asked for model `frontier`\n" in elsewhere
    assert "    it had to do without `local`\n" in elsewhere


def test_a_veto_is_told_and_what_the_client_hears(shown, written) -> None:
    _, out, _ = shown("explain", written(), "--prompt", CARD, "--model", "frontier")
    assert "none is asked: the model pins a backend" in out
    assert "✗ `frontier`: clearance: zone `openai` is cleared for internal, the request is restricted (`card`)" in out
    assert "so the client hears 403 `no_cleared_backend`" in out


def test_a_backend_may_be_supposed_to_be_down(shown, written) -> None:
    _, out, _ = shown("explain", written(), "--prompt", CARD, "--down", "local")
    assert "✗ `local`: health: backend `local` is down: you said so" in out
    assert "so the client hears 503 `no_backend_available`" in out


def test_a_request_file_is_read_as_a_client_would_send_it(shown, written, tmp_path) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "tools": [{}], "stream": True}
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**body, "max_tokens": 50}))
    _, out, _ = shown("explain", written(), "--request", path)
    assert "endpoint       `chat`, streamed" in out
    assert "needs          `chat`, `tools`" in out
    assert "model          `gpt-4o`" in out
    assert "of the answer at most 50" in out


def test_another_endpoint_may_be_called(shown, written) -> None:
    _, out, _ = shown("explain", written(), "--prompt", "hi", "--endpoint", "embeddings")
    assert "✗ `local`: capability: backend `local` cannot do `embeddings`" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--prompt", "hi", "--down", "locl"), "`--down` cannot be `locl`; did you mean `local`?"),
        (("--prompt", "hi", "--caller", "bob"), "`--caller` cannot be `bob`; use one of `anonymous`"),
        (("--prompt", "hi", "--model", "gpt-4"), "the policy knows no model `gpt-4`; did you mean `gpt-4o`?"),
        (("--request", "none.json"), "cannot read the request `none.json`: no such file or directory"),
        (("--decision", "dec_1"), "`--decision` needs `--journal`"),
    ],
)
def test_what_cannot_be_explained_is_told_with_its_remedy(shown, written, words, sentence) -> None:
    code, _, err = shown("explain", written(), *words)
    assert code == 2
    assert sentence in err


def test_a_request_that_no_client_could_send_is_told(shown, written, tmp_path) -> None:
    path = tmp_path / "request.json"
    path.write_text("[]")
    code, _, err = shown("explain", written(), "--request", path)
    assert (code, err) == (2, "no client would get an answer to this request: the body must be a JSON object\n")
