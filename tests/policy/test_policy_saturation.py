"""From when on a backend counts as saturated, as a policy says it."""

import pytest

from gateway.core.load import SaturatedAt

KIND = "    model: llama\n"


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("{queue: 8}", SaturatedAt(queue=8)),
        ("{predicted_wait: 3s}", SaturatedAt(predicted_wait_s=3.0)),
        ("{queue: 8, predicted_wait: 500ms}", SaturatedAt(8, 0.5)),
    ],
)
def test_a_limit_is_a_queue_or_a_wait_or_both(policy_with, written, limit) -> None:
    policy = policy_with((KIND, f"{KIND}    saturated_at: {written}\n"))
    assert policy.backends["local"].saturated_at == limit
    assert policy.backends["frontier"].saturated_at is None


@pytest.mark.parametrize(
    ("old", "written", "told"),
    [
        (KIND, "{}", "needs `queue` or `predicted_wait`"),
        (KIND, "{queue: 0}", "must be a whole number from 1"),
        (KIND, "{queu: 8}", "did you mean `queue`?"),
        (KIND, "{predicted_wait: 3}", "must be a duration"),
        ('    urls: ["https://api.openai.com/v1"]\n', "{queue: 8}", "kind `openai` does not say how many wait"),
    ],
)
def test_a_limit_that_is_none_is_refused(refused, old, written, told) -> None:
    assert told in refused((old, f"{old}    saturated_at: {written}\n"))
