"""What a client hears when its request may go nowhere, or asks for a model that nobody knows."""

from typing import Any

import pytest

from gateway.core.errors import GatewayError
from gateway.core.types import BackendState, Endpoint, Need, Sensitivity
from gateway.policy.evaluate import decide, refusal, unknown_model
from gateway.policy.load import load

DOWN = BackendState(is_up=False, reason="connection refused")


@pytest.fixture
def refused_with(policy_with, envelope, verdict):
    def made(
        *changes: tuple[str, str],
        sensitivity: Sensitivity = Sensitivity.PUBLIC,
        states: dict[str, BackendState] | None = None,
        **request: Any,
    ) -> GatewayError:
        asked = envelope(**request)
        decision = decide(policy_with(*changes), asked, verdict(sensitivity), states or {})
        assert decision.routes == ()
        return refusal(decision, asked)

    return made


def test_content_above_every_clearance_is_a_403_that_says_so(refused_with) -> None:
    error = refused_with(model="frontier", sensitivity=Sensitivity.RESTRICTED)
    assert (error.status, error.code, error.type) == (403, "no_cleared_backend", "policy_error")
    assert error.message == (
        "no backend may receive this request: zone `openai` is cleared for internal, the request is restricted; "
        "remove what is sensitive, or ask the policy's owner"
    )


def test_what_nobody_can_do_is_a_400_that_names_it(refused_with) -> None:
    error = refused_with(model="frontier", needs=frozenset({Need.REGEX}))
    assert (error.status, error.code, error.type) == (400, "unsupported_by_backend", "invalid_request_error")
    assert error.message == (
        "no backend that may receive this request can do it: backend `frontier` cannot do `regex`; "
        "leave that out of the request"
    )


def test_what_fits_nowhere_is_openais_own_error_for_it(refused_with) -> None:
    error = refused_with(model="local", prompt_tokens=9000)
    assert (error.status, error.code, error.param) == (400, "context_length_exceeded", None)
    assert error.message == (
        "the request is too long: backend `local` takes 8192 tokens, the request needs about 9001; "
        "shorten it or lower `max_tokens`"
    )


def test_what_is_down_is_a_503_that_says_when_to_try_again(refused_with) -> None:
    error = refused_with(model="local", states={"local": DOWN})
    assert (error.status, error.code, error.type) == (503, "no_backend_available", "server_error")
    assert error.retry_after_s == 5
    assert error.message == (
        "no backend that may receive this request is available: backend `local` is down: connection refused; "
        "try again in 5 seconds"
    )


def test_only_what_is_down_may_be_tried_again(refused_with) -> None:
    assert refused_with(model="local", prompt_tokens=9000).retry_after_s is None
    assert refused_with(model="frontier", sensitivity=Sensitivity.RESTRICTED).retry_after_s is None


def test_the_reason_told_is_that_of_the_route_that_came_closest(refused_with) -> None:
    error = refused_with(
        ("route: [local]", "route: [frontier, local]"), sensitivity=Sensitivity.RESTRICTED, states={"local": DOWN}
    )
    assert error.code == "no_backend_available"
    error = refused_with(states={"frontier": DOWN}, needs=frozenset({Need.SEVERAL_CHOICES}))
    assert error.code == "no_backend_available"


def test_of_equal_reasons_the_first_proposed_is_told(refused_with) -> None:
    error = refused_with(states={"local": DOWN, "frontier": DOWN})
    assert "backend `local`" in error.message


def test_an_unknown_path_that_goes_nowhere_is_openais_404_without_the_query(refused_with) -> None:
    request = {"endpoint": Endpoint.UNKNOWN, "method": "DELETE", "path": "/v1/threads/t?name=Ada"}
    error = refused_with(("unknown_routes: frontier\n", ""), **request)
    assert (error.status, error.code, error.message) == (404, "unknown_url", "Invalid URL (DELETE /v1/threads/t)")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gpt-4", "did you mean `gpt-4o`?"),
        ("locale", "did you mean `local`?"),
        ("Auto", "did you mean `auto`?"),
        ("zzz", "see GET /v1/models, or say `auto`"),
    ],
)
def test_an_unknown_model_is_openais_404_with_the_nearest_names(policy_with, name, hint) -> None:
    error = unknown_model(name, policy_with())
    assert (error.status, error.code, error.type, error.param) == (
        404,
        "model_not_found",
        "invalid_request_error",
        "model",
    )
    assert error.message == f"the model `{name}` does not exist; {hint}"


def test_at_most_three_near_names_are_shown(policy_with) -> None:
    policy = policy_with(("gpt-4o: auto", "gpt-4o: auto\n  gpt-4a: auto\n  gpt-4b: auto\n  gpt-4c: auto"))
    message = unknown_model("gpt-4", policy).message
    assert message == "the model `gpt-4` does not exist; did you mean `gpt-4o` or `gpt-4c` or `gpt-4b`?"


@pytest.mark.parametrize(("length", "shown"), [(64, "x" * 64), (65, "x" * 64 + "…"), (100_000, "x" * 64 + "…")])
def test_of_an_endless_name_only_the_beginning_is_shown(policy_with, length, shown) -> None:
    message = unknown_model("x" * length, policy_with()).message
    assert message == f"the model `{shown}` does not exist; see GET /v1/models, or say `auto`"


def test_a_known_name_is_known_by_itself_by_alias_and_by_saying_nothing(policy_with) -> None:
    policy = policy_with()
    assert all(policy.knows_model(name) for name in ("", "auto", "gpt-4o", "old-name", "best", "local", "frontier"))
    assert not policy.knows_model("gpt-4")


@pytest.mark.parametrize(
    ("name", "backend"), [("", None), ("auto", None), ("old-name", None), ("best", "frontier"), ("local", "local")]
)
def test_a_name_asks_for_a_backend_or_for_nothing_in_particular(policy_with, name, backend) -> None:
    choice = policy_with().resolve_model(name)
    assert (choice.backend, choice.is_auto, choice.is_unknown) == (backend, backend is None, False)


@pytest.mark.parametrize("name", ["tgi", "dummy"])
def test_what_hugging_faces_clients_say_for_no_model_is_auto_unless_the_file_says_otherwise(policy_with, name) -> None:
    assert policy_with().resolve_model(name).is_auto
    assert policy_with(("best:", f"{name}:")).resolve_model(name).backend == "frontier"


def test_a_backend_may_be_called_tgi(base, environment) -> None:
    policy = load(base.replace("local", "tgi").encode(), "house.yaml", environment)
    assert policy.resolve_model("tgi").backend == "tgi"


def test_a_name_that_nobody_knows_asks_for_nothing_we_know(policy_with) -> None:
    choice = policy_with().resolve_model("gpt-4")
    assert (choice.backend, choice.is_auto, choice.is_unknown) == (None, False, True)


def test_names_that_stand_for_names_are_followed_to_the_end(policy_with) -> None:
    policy = policy_with(("best: frontier", "best: better\n  better: good\n  good: local"))
    assert policy.models == {"gpt-4o": "auto", "old-name": "auto", "best": "local", "better": "local", "good": "local"}
