"""The shipped policies load under the documented environment, and each keeps the promises of its strategy."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.labelling import Labelling
from gateway.core.types import BackendKind, BackendState, Decision, Endpoint, Need, Sensitivity, Tier, Veto
from gateway.policy.evaluate import decide
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.policy.vocabulary import FINDING_KINDS

FOLDER = Path(__file__).parents[2] / "policies"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
ENVIRONMENT = {"OPENAI_API_KEY": "not-a-real-key"}
USUAL_NAMES = ["gpt-3.5-turbo", "gpt-4-turbo", "gpt-4o", "gpt-4o-mini", "gpt-5", "o3", "tgi", "dummy"]
DOWN = BackendState(is_up=False, reason="connection refused")
CONFIDENTIAL, RESTRICTED = Sensitivity.CONFIDENTIAL, Sensitivity.RESTRICTED


def read(name: str, environment: dict[str, str]) -> Policy:
    return load((FOLDER / f"{name}.yaml").read_bytes(), f"{name}.yaml", environment)


@functools.cache
def shipped(name: str) -> Policy:
    return read(name, ENVIRONMENT)


@pytest.fixture
def ask(envelope, verdict) -> Callable[..., Decision]:
    """What a shipped policy decides about a request; name what is different from a simple public chat."""

    def asked(
        name: str,
        sensitivity: Sensitivity = Sensitivity.PUBLIC,
        tier: Tier = Tier.SIMPLE,
        down: tuple[str, ...] = (),
        **request: Any,
    ) -> Decision:
        return decide(shipped(name), envelope(**request), verdict(sensitivity, tier), dict.fromkeys(down, DOWN))

    return asked


@pytest.fixture
def goes(ask) -> Callable[..., list[str]]:
    def gone(*words: Any, **more: Any) -> list[str]:
        return [route.backend for route in ask(*words, **more).routes]

    return gone


def test_there_is_the_default_and_one_policy_for_each_strategy() -> None:
    assert FILES == ["data-separation", "default", "prototype-to-production", "self-hosted-first", "task-routing"]


@pytest.mark.parametrize("name", FILES)
def test_a_policy_is_called_what_its_file_is_called_and_has_an_owner(name) -> None:
    policy = shipped(name)
    assert (policy.name, policy.version) == (name, "1")
    assert policy.owner


@pytest.mark.parametrize("name", FILES)
def test_a_policy_needs_the_openai_key_and_nothing_else(name) -> None:
    assert shipped(name).missing_secrets == ()
    assert {told.split("needs ")[1] for told in read(name, {}).missing_secrets} == {
        "the environment variable `OPENAI_API_KEY`; set it"
    }


@pytest.mark.parametrize("name", FILES)
def test_the_environment_says_where_the_servers_are(name) -> None:
    policy = read(name, {**ENVIRONMENT, "TGI_URL": "http://gpu:80", "OPENAI_BASE_URL": "https://azure.test/openai/v1"})
    urls = {spec.kind: spec.urls for spec in policy.backends.values()}
    assert urls == {BackendKind.TGI: ("http://gpu:80",), BackendKind.OPENAI: ("https://azure.test/openai",)}


@pytest.mark.parametrize("name", FILES)
def test_the_names_that_clients_already_use_mean_you_decide(name) -> None:
    policy = shipped(name)
    assert [model for model in USUAL_NAMES if not policy.resolve_model(model).is_auto] == []
    assert set(policy.models.values()) == {"auto"}


@pytest.mark.parametrize("name", FILES)
def test_every_finding_has_a_class_and_unknown_is_restricted(name) -> None:
    labelling: Labelling = shipped(name).labelling
    assert set(labelling.kinds) == FINDING_KINDS
    assert min(labelling.kinds.values()) == CONFIDENTIAL
    assert labelling.unlisted == labelling.unreadable == labelling.on_error == RESTRICTED
    assert labelling.default == Sensitivity.PUBLIC


@pytest.mark.parametrize("name", FILES)
def test_what_everything_on_openai_would_cost_is_known(name) -> None:
    policy = shipped(name)
    assert policy.baseline is not None
    assert policy.backends[policy.baseline].zone.name == "openai"
    assert all(spec.price is not None for spec in policy.backends.values())


@pytest.mark.parametrize("level", [CONFIDENTIAL, RESTRICTED])
@pytest.mark.parametrize("name", FILES)
def test_confidential_never_reaches_openai(ask, name, level) -> None:
    policy = shipped(name)
    models = ["", *policy.models, *policy.backends]
    for decision in (
        ask(name, level, tier, down=down, endpoint=endpoint, model=model)
        for tier in Tier
        for down in ((), ("local",))
        for endpoint in Endpoint
        for model in models[:: 5 if endpoint is not Endpoint.CHAT else 1]
    ):
        assert [route for route in decision.routes if policy.backends[route.backend].zone.name == "openai"] == []


@pytest.mark.parametrize("level", [CONFIDENTIAL, RESTRICTED])
@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("name", FILES)
def test_sensitive_chats_are_answered_at_home(goes, name, tier, level) -> None:
    assert goes(name, level, tier) == ["local"]


@pytest.mark.parametrize("name", FILES)
def test_sensitive_chats_are_refused_while_home_is_down(ask, name) -> None:
    decision = ask(name, RESTRICTED, down=("local",))
    assert decision.routes == ()
    assert Veto.HEALTH in [exclusion.veto for _, exclusion in decision.excluded]


def test_default_sends_what_is_hard_and_not_sensitive_to_the_frontier_first(goes) -> None:
    assert goes("default", tier=Tier.HARD) == ["frontier", "local"]
    assert goes("default", Sensitivity.INTERNAL, Tier.HARD) == ["frontier", "local"]


@pytest.mark.parametrize("tier", [Tier.SIMPLE, Tier.MEDIUM])
def test_default_answers_the_rest_locally_with_the_frontier_behind(goes, tier) -> None:
    assert goes("default", tier=tier) == ["local", "frontier"]
    assert goes("default", tier=tier, down=("local",)) == ["frontier"]


def test_default_embeds_with_one_model_and_never_mixes_vectors(goes, ask) -> None:
    needs = frozenset({Need.EMBEDDINGS})
    assert goes("default", endpoint=Endpoint.EMBEDDINGS, needs=needs) == ["embedder"]
    assert ask("default", CONFIDENTIAL, endpoint=Endpoint.EMBEDDINGS, needs=needs).routes == ()
    assert goes("default", endpoint=Endpoint.EMBEDDINGS, needs=needs, down=("embedder",)) == []


def test_default_lets_unknown_paths_through_where_their_content_may_leave(goes) -> None:
    assert goes("default", endpoint=Endpoint.UNKNOWN) == ["frontier"]
    assert goes("default", RESTRICTED, endpoint=Endpoint.UNKNOWN) == []


@pytest.mark.parametrize("name", sorted({*FILES} - {"default"}))
def test_the_other_policies_know_no_unknown_paths(goes, name) -> None:
    assert goes(name, endpoint=Endpoint.UNKNOWN) == []


def test_prototypes_start_on_openai_with_the_open_model_behind(goes) -> None:
    for model in ("auto", "gpt-4o", "release-notes"):
        assert goes("prototype-to-production", model=model) == ["frontier", "local"]


def test_what_is_in_production_runs_on_the_open_model_alone(goes) -> None:
    for model in ("support-answers", "invoice-reader"):
        assert goes("prototype-to-production", tier=Tier.HARD, model=model) == ["local"]


def test_a_prototype_that_meets_customer_data_is_answered_at_home(ask) -> None:
    decision = ask("prototype-to-production", RESTRICTED, model="release-notes")
    assert [route.backend for route in decision.routes] == ["local"]
    assert [(name, exclusion.veto) for name, exclusion in decision.excluded] == [("frontier", Veto.CLEARANCE)]


def test_complex_reasoning_goes_to_openai_first(ask) -> None:
    decision = ask("task-routing", tier=Tier.HARD)
    assert (decision.rule, [route.backend for route in decision.routes]) == ("complex-reasoning", ["frontier", "local"])


def test_simple_generation_goes_to_the_open_model_first(goes) -> None:
    assert goes("task-routing", tier=Tier.SIMPLE) == ["local", "frontier"]
    assert goes("task-routing", tier=Tier.MEDIUM) == ["local", "frontier"]


def test_agents_of_some_difficulty_go_to_openai_first(goes) -> None:
    needs = frozenset({Need.CHAT, Need.TOOLS})
    assert goes("task-routing", tier=Tier.MEDIUM, needs=needs) == ["frontier", "local"]
    assert goes("task-routing", tier=Tier.SIMPLE, needs=needs) == ["local", "frontier"]


@pytest.mark.parametrize("tier", Tier)
def test_self_hosted_first_answers_everything_at_home_while_it_can(goes, tier) -> None:
    assert goes("self-hosted-first", tier=tier) == ["local", "backup"]


@pytest.mark.parametrize(
    "edge",
    [
        {"needs": frozenset({Need.CHAT, Need.SEVERAL_CHOICES})},
        {"needs": frozenset({Need.CHAT, Need.JSON_OBJECT})},
        {"prompt_tokens": 40_000},
        {"down": ("local",)},
    ],
)
def test_self_hosted_first_has_openai_as_backup_for_edge_cases(goes, edge) -> None:
    assert goes("self-hosted-first", **edge) == ["backup"]
    assert goes("self-hosted-first", CONFIDENTIAL, **edge) == []


def test_sensitive_content_gets_more_time_and_a_second_try_at_home(ask) -> None:
    (route,) = ask("self-hosted-first", RESTRICTED).routes
    (usual, _) = ask("self-hosted-first").routes
    assert route.first_byte_s > usual.first_byte_s
    assert (route.retries, usual.retries) == (1, 0)


@pytest.mark.parametrize("tier", Tier)
def test_public_data_goes_to_openai_first(goes, tier) -> None:
    assert goes("data-separation", tier=tier) == ["frontier", "local"]


@pytest.mark.parametrize("level", [Sensitivity.INTERNAL, CONFIDENTIAL, RESTRICTED])
def test_whatever_is_not_public_stays_self_hosted(goes, level) -> None:
    assert goes("data-separation", level) == ["local"]
    assert goes("data-separation", level, model="frontier") == []
