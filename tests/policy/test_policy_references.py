"""The environment in a policy: references, secrets by reference only, and plain text that stays text."""

import pytest

from gateway.core.types import BackendKind
from gateway.policy.load import load

URL = "http://tgi-0:8080"


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"TGI_URL": "http://other:80"}, "http://other:80"),
        ({"TGI_URL": ""}, "http://usual:8080"),
        ({}, "http://usual:8080"),
    ],
)
def test_a_default_stands_in_for_what_is_unset_or_empty(policy_with, environment, url) -> None:
    policy = policy_with((URL, '"${TGI_URL:-http://usual:8080}"'), environment=environment)
    assert policy.backends["local"].urls == (url,)


def test_references_may_be_part_of_a_text(policy_with) -> None:
    policy = policy_with((URL, '"http://${HOST}:${PORT:-80}"'), environment={"HOST": "tgi-7"})
    assert policy.backends["local"].urls == ("http://tgi-7:80",)


def test_what_a_reference_gives_is_not_read_again(policy_with) -> None:
    policy = policy_with(("model: llama", "model: ${MODEL}"), environment={"MODEL": "${OTHER}: *a", "OTHER": "no"})
    assert policy.backends["local"].models["chat"] == "${OTHER}: *a"


def test_a_reference_without_a_value_is_told_with_its_remedy(refused) -> None:
    told = refused((URL, '"${TGI_URL}"'))
    assert "needs the environment variable `TGI_URL`; set it, or give a default: `${TGI_URL:-…}`" in told


def test_an_error_shows_the_reference_and_never_its_value(refused) -> None:
    told = refused((URL, '"${TGI_URL}"'), environment={"TGI_URL": "http://user:hunter2@tgi"})
    assert "must be root URLs" in told
    assert "hunter2" not in told


def test_a_secret_comes_from_the_environment_without_the_space_around_it(policy_with) -> None:
    policy = policy_with(environment={"OPENAI_API_KEY": " not-a-real-key\n", "BILLING_KEY": "b", "WEBSITE_KEY": "w"})
    assert policy.backends["frontier"].api_key == "not-a-real-key"


def test_missing_secrets_are_told_with_place_and_remedy_and_are_no_error_of_the_file(policy_with) -> None:
    assert policy_with(environment={}).missing_secrets == (
        "house.yaml:18:14: `api_key` in backend `frontier` needs the environment variable `OPENAI_API_KEY`; set it",
        "house.yaml:26:18: `key` in caller `billing` needs the environment variable `BILLING_KEY`; set it",
        "house.yaml:27:18: `key` in caller `website` needs the environment variable `WEBSITE_KEY`; set it",
    )


def test_a_secret_of_spaces_is_missing(policy_with) -> None:
    assert len(policy_with(environment={"OPENAI_API_KEY": "  "}).missing_secrets) == 3


def test_with_all_secrets_none_is_missing(policy_with) -> None:
    assert policy_with().missing_secrets == ()


def test_an_empty_default_says_that_a_secret_may_be_missing(policy_with) -> None:
    policy = policy_with(
        ("${OPENAI_API_KEY}", "${OPENAI_API_KEY:-}"), environment={"BILLING_KEY": "b", "WEBSITE_KEY": "w"}
    )
    assert policy.backends["frontier"].api_key is None
    assert policy.missing_secrets == ()


def test_a_caller_without_a_key_in_the_environment_is_listed_and_shut_out(policy_with) -> None:
    changes = ("{complexity: hard}", "{caller: billing}"), ('"${BILLING_KEY}"', '"${BILLING_KEY:-}"')
    policy = policy_with(*changes, environment={"WEBSITE_KEY": "w"})
    assert [caller.id for caller in policy.callers.values()] == ["website"]
    assert policy.caller_for("") is None
    assert not policy.is_open


@pytest.mark.parametrize(
    "literal", ["plain", "a-${OPENAI_API_KEY}", "${OPENAI_API_KEY}b", "${OPENAI_API_KEY:-x}", "$X"]
)
def test_a_secret_that_is_more_than_a_reference_is_refused(refused, literal) -> None:
    assert "must not be written in the policy" in refused(("${OPENAI_API_KEY}", f'"{literal}"'))


@pytest.mark.parametrize("word", ["no", "off", "null", "~", "0x10", "1_000", "2001-01-01", "1e3", ".inf"])
def test_every_plain_word_stays_the_text_that_was_written(policy_with, word) -> None:
    assert policy_with(("model: llama", f"model: {word}")).backends["local"].models["chat"] == word


def test_a_region_called_no_is_norway(policy_with) -> None:
    assert policy_with(("retention: 30d", "region: no")).zones["openai"].region == "no"


def test_names_may_be_words_that_other_readers_of_yaml_take_for_flags(base, environment) -> None:
    policy = load(base.replace("local", "off").encode(), "house.yaml", environment)
    assert policy.backends["off"].kind is BackendKind.TGI


@pytest.mark.parametrize("word", ["yes", "True", "on", "1"])
def test_a_flag_is_true_or_false_and_nothing_else(refused, word) -> None:
    assert f"must be `true` or `false`, not `{word}`" in refused(("{complexity: hard}", f"{{stream: {word}}}"))


@pytest.mark.parametrize("number", ["1_000", "0x10", "8.0", "-1", "+8", "٣", "8e3", "1000000001"])
def test_a_whole_number_is_written_in_digits(refused, number) -> None:
    assert "must be a whole number" in refused(("context_tokens: 8192", f'context_tokens: "{number}"'))
