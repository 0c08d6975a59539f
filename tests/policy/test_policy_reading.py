"""What each section and option of a policy file means, and what stands in where it says nothing."""

import hashlib

import pytest

from gateway.core.capabilities import CANNOT
from gateway.core.types import ANONYMOUS, BackendKind, Caller, Endpoint, Need, Route, Sensitivity
from gateway.policy.load import load
from gateway.policy.vocabulary import FINDING_KINDS

SMALLEST = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: smallest}
zones: {home: {clearance: internal}}
backends: {gpu: {zone: home, kind: vllm, model: llama, urls: ["http://gpu:8000"]}}
otherwise: {route: gpu}
"""


@pytest.fixture
def smallest():
    return load(SMALLEST.encode(), "smallest.yaml", {})


def test_the_smallest_policy_takes_the_strict_default_for_all_it_leaves_out(smallest) -> None:
    assert smallest.labelling.kinds == {}
    assert smallest.labelling.unlisted == smallest.labelling.unreadable == Sensitivity.RESTRICTED
    assert smallest.labelling.on_error == Sensitivity.RESTRICTED
    assert (smallest.zones["home"].retention, smallest.zones["home"].region) == ("unknown", "")
    assert smallest.unknown_routes is None
    assert smallest.models == {}
    assert smallest.missing_secrets == ()


def test_the_smallest_policy_finds_nothing_sensitive_where_detectors_find_nothing(smallest) -> None:
    assert smallest.labelling.default == Sensitivity.PUBLIC


def test_the_smallest_policy_has_plain_times(smallest) -> None:
    assert smallest.deadline_s == 600
    assert smallest.rules[-1].routes == (Route("gpu", first_byte_s=30, total_s=600, retries=0),)


def test_the_smallest_policy_knows_nothing_of_prices_and_names(smallest) -> None:
    spec = smallest.backends["gpu"]
    assert (spec.price, spec.context_tokens, spec.api_key, spec.organization) == (None, None, None, None)
    assert (spec.health_path, spec.inference_endpoint) == (None, None)
    assert (smallest.baseline, smallest.version, smallest.owner) == (None, "", "")


def test_metadata_is_read(policy_with) -> None:
    policy = policy_with(("version: 7", 'version: 1.10, owner: "Ada, the owner"'))
    assert (policy.name, policy.version, policy.owner) == ("house", "1.10", "Ada, the owner")


def test_zones_are_read(policy_with) -> None:
    zone = policy_with(("internal, retention: 30d", "confidential, retention: zero, region: eu")).zones["openai"]
    assert (zone.name, zone.clearance, zone.region, zone.retention) == (
        "openai",
        Sensitivity.CONFIDENTIAL,
        "eu",
        "zero",
    )


def test_backends_stand_in_their_zone(policy_with) -> None:
    policy = policy_with()
    assert policy.backends["local"].zone is policy.zones["on_prem"]
    assert policy.backends["frontier"].zone is policy.zones["openai"]
    assert policy.backends["local"].kind is BackendKind.TGI
    assert policy.backends["local"].context_tokens == 8192


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("http://tgi-0:8080", "http://tgi-0:8080"),
        ("http://tgi-0:8080/", "http://tgi-0:8080"),
        ("http://tgi-0:8080/v1", "http://tgi-0:8080"),
        ("http://tgi-0:8080/v1/", "http://tgi-0:8080"),
        ("https://gate.acme.test/team/v1", "https://gate.acme.test/team"),
        ("'http://[::1]:8080'", "http://[::1]:8080"),
    ],
)
def test_a_url_is_a_root_with_or_without_v1(policy_with, written, root) -> None:
    assert policy_with(("http://tgi-0:8080", written)).backends["local"].urls == (root,)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://tgi",
        "http://",
        "http://tgi:0",
        "http://tgi:99999",
        "http://t gi",
        "http://tgi?a=b",
        "'http://tgi#a'",
        "x",
    ],
)
def test_what_is_no_root_url_is_refused(policy_with, url, refused) -> None:
    assert "must be root URLs such as `http://host:8080`" in refused(("http://tgi-0:8080", f'"{url.strip(chr(39))}"'))


def test_replicas_keep_their_order(policy_with) -> None:
    policy = policy_with(("[http://tgi-0:8080]", "[http://tgi-1:80, http://tgi-0:80]"))
    assert policy.backends["local"].urls == ("http://tgi-1:80", "http://tgi-0:80")


def test_an_inference_endpoint_needs_no_urls(policy_with) -> None:
    spec = policy_with(("urls: [http://tgi-0:8080]", "inference_endpoint: acme/llama-70b")).backends["local"]
    assert (spec.urls, spec.inference_endpoint) == ((), "acme/llama-70b")


def test_litellm_needs_no_urls(policy_with) -> None:
    assert policy_with(("kind: tgi\n    urls: [http://tgi-0:8080]", "kind: litellm")).backends["local"].urls == ()


def test_health_and_organization_are_read(policy_with) -> None:
    spec = policy_with(("context_tokens: 8192", "health: /up\n    organization: org-1")).backends["local"]
    assert (spec.health_path, spec.organization) == ("/up", "org-1")


def test_one_model_answers_all_that_generates_and_no_embeddings(policy_with) -> None:
    spec = policy_with().backends["local"]
    assert [spec.model_for(each) for each in (Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.GENERATE)] == ["llama"] * 3
    assert spec.model_for(Endpoint.EMBEDDINGS) is None
    assert Need.EMBEDDINGS in spec.cannot


def test_a_backend_for_embeddings_alone_can_do_nothing_else(policy_with) -> None:
    spec = policy_with(("chat: gpt-5.5, ", "")).backends["frontier"]
    assert {Need.CHAT, Need.COMPLETIONS, Need.GENERATE} <= spec.cannot
    assert Need.EMBEDDINGS not in spec.cannot
    assert spec.models == {"embeddings": "text-embedding-3-small"}


def test_a_backend_for_completions_alone_can_do_nothing_else(policy_with) -> None:
    spec = policy_with(("chat: gpt-5.5, embeddings: text-embedding-3-small", "completions: babbage")).backends[
        "frontier"
    ]
    assert {Need.CHAT, Need.GENERATE, Need.EMBEDDINGS} <= spec.cannot
    assert Need.COMPLETIONS not in spec.cannot


def test_a_backend_cannot_do_what_its_kind_cannot(policy_with) -> None:
    policy = policy_with()
    assert policy.backends["local"].cannot == CANNOT[BackendKind.TGI] | {Need.EMBEDDINGS}
    assert policy.backends["frontier"].cannot == CANNOT[BackendKind.OPENAI]


def test_can_and_cannot_amend_the_kind(policy_with) -> None:
    spec = policy_with(("context_tokens: 8192", "can: [images, logit_bias]\n    cannot: tools")).backends["local"]
    assert spec.cannot == CANNOT[BackendKind.TGI] - {Need.IMAGES, Need.LOGIT_BIAS} | {Need.TOOLS, Need.EMBEDDINGS}


def test_prices_are_exact(policy_with) -> None:
    price = (
        policy_with(("output_usd_per_million: 30", "output_usd_per_million: 0.123, cached_input_usd_per_million: 0"))
        .backends["frontier"]
        .price
    )
    assert (price.input, price.output, price.cached_input) == (5_000_000_000, 123_000_000, 0)


def test_without_a_cached_price_cached_tokens_cost_what_others_do(policy_with) -> None:
    assert policy_with().backends["frontier"].price.cached_input is None


@pytest.mark.parametrize("price", ["-1", "1e3", "5$", ".5", "0.0001", "1,000"])
def test_what_is_no_price_is_refused(refused, price) -> None:
    assert "must be US dollars per million tokens" in refused(
        ("output_usd_per_million: 30", f'output_usd_per_million: "{price}"')
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("250ms", 0.25), ("8s", 8), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("24h", 86_400), ('"8s"', 8)],
)
def test_durations_have_a_unit(policy_with, written, seconds) -> None:
    assert policy_with(("deadline: 2m", f"deadline: {written}")).deadline_s == seconds


@pytest.mark.parametrize("written", ["0s", "8", "8 s", "-8s", "25h", "1d", "8S", "1m30s", "inf", "1e2s"])
def test_what_is_no_duration_is_refused(refused, written) -> None:
    assert "must be a duration such as `8s`, `250ms` or `2m`, at most a day" in refused(
        ("deadline: 2m", f"deadline: {written}")
    )


@pytest.mark.parametrize(
    ("rule", "route", "wanted"),
    [
        ("", "local", Route("local", 30, 600, 0)),
        ("", "{to: local, first_byte: 8s}", Route("local", 8, 600, 0)),
        ("", "{to: local, total: 5s}", Route("local", 5, 5, 0)),
        ("", "{to: local, retries: 10}", Route("local", 30, 600, 10)),
        ("timeouts: {first_byte: 8s, total: 60s}", "local", Route("local", 8, 60, 0)),
        ("timeouts: {total: 20s}", "local", Route("local", 20, 20, 0)),
        ("timeouts: {first_byte: 8s}", "{to: local, total: 5s}", Route("local", 5, 5, 0)),
        ("timeouts: {first_byte: 8s}", "{to: local, first_byte: 9s}", Route("local", 9, 600, 0)),
        ("retries: 2", "local", Route("local", 30, 600, 2)),
        ("retries: 2", "{to: local, retries: 0}", Route("local", 30, 600, 0)),
    ],
)
def test_a_route_takes_its_own_times_then_its_rules_then_the_plain_ones(policy_with, rule, route, wanted) -> None:
    policy = policy_with(("route: [local]\n", f"route: [{route}]\n    {rule}\n"))
    assert policy.rules[0].routes == (wanted,)


def test_otherwise_takes_times_as_a_rule_does(policy_with) -> None:
    policy = policy_with(("  route: [local, frontier]", "  route: [local]\n  timeouts: {first_byte: 3s}\n  retries: 1"))
    assert policy.rules[-1].routes == (Route("local", 3, 600, 1),)


def test_classes_and_tiers_are_read(policy_with) -> None:
    labelling = policy_with(
        ("default: public", "default: internal\n    unlisted: confidential\n    unreadable: public")
    ).labelling
    assert labelling.kinds == {"card": Sensitivity.RESTRICTED, "email": Sensitivity.CONFIDENTIAL}
    assert (labelling.default, labelling.unlisted) == (Sensitivity.INTERNAL, Sensitivity.CONFIDENTIAL)
    assert (labelling.unreadable, labelling.on_error) == (Sensitivity.PUBLIC, Sensitivity.RESTRICTED)
    assert (labelling.medium_from, labelling.hard_from) == (0.3, 0.7)


def test_on_error_may_be_as_lax_as_the_worst_that_can_be_found(policy_with) -> None:
    kinds = ", ".join(f"{kind}: internal" for kind in sorted(FINDING_KINDS))
    changes = ("card: restricted, email: confidential", kinds), ("default: public", "on_error: internal")
    assert policy_with(*changes).labelling.on_error == Sensitivity.INTERNAL


def test_a_late_medium_makes_hard_as_late(policy_with) -> None:
    labelling = policy_with(("medium_from: 0.3, hard_from: 0.7", "medium_from: 1")).labelling
    assert (labelling.medium_from, labelling.hard_from) == (1, 1)


def test_the_digest_is_that_of_the_bytes_of_the_file(base, environment) -> None:
    text = base.encode()
    assert load(text, "a.yaml", environment).digest == hashlib.sha256(text).hexdigest()
    assert load(text + b"#", "a.yaml", environment).digest != load(text, "b.yaml", environment).digest


def test_the_digest_does_not_depend_on_the_environment(base, environment) -> None:
    assert load(base.encode(), "a.yaml", {}).digest == load(base.encode(), "a.yaml", environment).digest


def test_without_callers_anyone_may_ask(smallest) -> None:
    assert smallest.is_open
    assert smallest.caller_for(None) is ANONYMOUS
    assert smallest.caller_for("any key") is ANONYMOUS


def test_with_callers_a_key_says_who_asks(policy_with) -> None:
    policy = policy_with()
    assert not policy.is_open
    assert policy.caller_for("billing-key") == Caller("billing", "finance", ("batch",))
    assert policy.caller_for("website-key") == Caller("website", "growth", ())


@pytest.mark.parametrize("key", [None, "", "billing", "billing-key ", "BILLING-KEY", "\udcff"])
def test_with_callers_whoever_has_no_key_is_nobody(policy_with, key) -> None:
    assert policy_with().caller_for(key) is None


def test_no_key_is_kept_in_the_policy(policy_with) -> None:
    policy = policy_with()
    assert not any("key" in digest for digest in policy.callers)
    assert "billing-key" not in repr(policy.callers)
    assert "not-a-real-key" not in repr(policy)
