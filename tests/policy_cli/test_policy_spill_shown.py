"""What the commands say of a rule that spills."""

import pytest

LIMIT = ("model: llama,", "model: llama, saturated_at: {predicted_wait: 3s},")
SPILL = ("  route: [local, frontier]\n", "  route: [local]\n  spill: frontier\n")


@pytest.fixture
def spilling(written):
    return written(LIMIT, SPILL)


def test_explain_says_what_a_saturated_backend_would_change(shown, spilling) -> None:
    _, out, _ = shown("explain", spilling, "--prompt", "Say hello in Dutch")
    assert "  `frontier`, `local` if\n    it were hard (from 0.4 on)\n    it met `local` saturated\n" in out


def test_explain_supposes_that_a_backend_is_saturated(shown, spilling) -> None:
    _, out, _ = shown("explain", spilling, "--prompt", "Say hello in Dutch", "--saturated", "local")
    assert "`local` is saturated, so the rule spills\n  1. `frontier`" in out
    assert "it met `local` no longer saturated" in out


def test_diff_tells_what_is_routed_differently_while_a_backend_is_saturated(shown, spilling, written) -> None:
    code, out, _ = shown("diff", written(LIMIT, SPILL, ("  spill: frontier\n", ""), name="other.yaml"), spilling)
    assert code == 1
    assert "`local` by `otherwise` ⇒ `frontier`, `local` by `otherwise` while `local` is saturated: " in out
