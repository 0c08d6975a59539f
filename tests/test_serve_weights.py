"""Serving with weights of one's own: refused at the start if they do not do, and named in every verdict."""

import pytest

from gateway.app import Gateway
from gateway.classify.verdict import Classifier
from gateway.classify.weights import dump, load, shipped_weights
from gateway.config import Settings, policy_text, shipped_policy
from gateway.core.errors import ConfigError
from gateway.core.labelling import Labelling
from gateway.core.types import ANONYMOUS, Endpoint, Envelope
from gateway.policy.load import load as load_policy


def envelope():
    return Envelope(
        id="req_1", caller=ANONYMOUS, endpoint=Endpoint.CHAT, method="POST", path="/v1/chat/completions", model="auto",
        stream=False, needs=frozenset(), prompt_tokens=1, max_tokens=None, received_at=0.0, deadline_s=60.0, body=b"{}",
        document={"messages": [{"role": "user", "content": "Prove it"}]},
    )  # fmt: skip


def test_a_verdict_names_the_weights_that_gave_its_score():
    shipped = shipped_weights()
    none = [0.0] * len(shipped.counters)
    own = load(dump([0.0] * len(shipped.buckets), none, 0.0, none))
    verdicts = [Classifier(Labelling(kinds={}), each, b"key of a test").classify(envelope()) for each in (shipped, own)]
    assert [verdict.weights for verdict in verdicts] == [shipped.digest[:16], own.digest[:16]]
    assert verdicts[1].complexity == 0.5


def test_the_environment_and_the_command_line_name_the_weights():
    assert Settings.read({"GATEWAY_WEIGHTS": "theirs"}, {"weights": "ours"}).weights.name == "ours"
    assert Settings.read({"GATEWAY_WEIGHTS": "theirs"}, {}).weights.name == "theirs"
    assert Settings.read({}, {}).weights is None


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot be read"), (b"no weights", "this is no weights file")]
)
def test_weights_that_do_not_do_are_refused_before_anything_is_opened(tmp_path, content, complaint):
    path = tmp_path / "own.weights"
    if content is not None:
        path.write_bytes(content)
    secrets = {"TGI_URL": "http://127.0.0.1:9", "OPENAI_API_KEY": "none"}
    policy = load_policy(policy_text(shipped_policy("default")), "default.yaml", secrets)
    with pytest.raises(ConfigError, match=f"own.weights.*{complaint}"):
        Gateway(policy, Settings(journal=tmp_path / "journal", weights=path))
    assert not (tmp_path / "journal").exists()
