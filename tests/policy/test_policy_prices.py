"""The price book: written out, looked up in litellm's list, or by the hour of a GPU."""

from collections.abc import Callable, Mapping

import pytest

from gateway.config import price_list
from gateway.core.errors import ConfigError
from gateway.core.money import Price, nano_usd
from gateway.core.types import Endpoint
from gateway.core.usage import Usage
from gateway.policy.load import load
from gateway.policy.model import Policy

WRITTEN = "price: {input_usd_per_million: 5, output_usd_per_million: 30}"
ROWS: Mapping[str, Mapping[str, object]] = {
    "gpt-5.5": {
        "input_cost_per_token": 5e-06,
        "output_cost_per_token": 3e-05,
        "cache_read_input_token_cost": 5e-07,
        "input_cost_per_token_above_272k_tokens": 1e-05,
        "output_cost_per_token_above_272k_tokens": 4.5e-05,
    },
    "text-embedding-3-small": {"input_cost_per_token": 2e-08, "output_cost_per_token": 0.0},
    "tiny": {"litellm_provider": "acme", "input_cost_per_token": 1.875e-08, "output_cost_per_token": 0.0},
    "unpriced": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
}


@pytest.fixture
def priced(base: str) -> Callable[..., Policy]:
    """The house's policy with another price for the frontier."""

    def load_with(price: str, rows: Mapping[str, Mapping[str, object]] | None = ROWS) -> Policy:
        assert WRITTEN in base
        text = base.replace(WRITTEN, price)
        return load(text.encode(), "house.yaml", {"OPENAI_API_KEY": "invented"}, price_list=lambda: rows)

    return load_with


def price_of(policy: Policy) -> Price:
    price = policy.backends["frontier"].price
    assert price is not None
    return price


def test_a_listed_price_is_that_of_the_model(priced) -> None:
    price = price_of(priced("price: litellm"))
    assert (price.input, price.output, price.cached_input) == (nano_usd(5), nano_usd(30), nano_usd("0.5"))
    assert price.cost(272_001, 1) == 272_001 * 10_000 + 45_000


def test_a_written_price_counts_more_than_the_listed_one(priced) -> None:
    price = price_of(priced("price: {from: litellm, output_usd_per_million: 28}"))
    assert (price.input, price.output) == (nano_usd(5), nano_usd(28))
    assert price.long is not None
    assert price.long.output == nano_usd(28)


def test_less_than_a_nano_dollar_a_token_is_exact(priced) -> None:
    assert price_of(priced("price: {from: litellm, model: tiny}")).input == 18_750_000
    assert price_of(priced("price: {from: litellm, model: acme/tiny}")).input == 18_750_000


@pytest.mark.parametrize(
    ("price", "sentence"),
    [
        ("price: {from: litellm, model: gpt-5.6}", "no price for `gpt-5.6`; did you mean `gpt-5.5`?"),
        ("price: {from: litellm, model: unpriced}", "no price for `unpriced`; it is there without one"),
        ("price: {from: litellm, model: evil/tiny}", "no price for `evil/tiny`"),
        ("price: free", "cannot be `free`; use one of `litellm`"),
        ("price: {input_usd_per_million: 1}", "missing key `output_usd_per_million`"),
        ("price: {gpus: 2}", "missing key `gpu_hour_usd`"),
        ("price: {gpu_hour_usd: 2, input_usd_per_million: 1}", "remove `input_usd_per_million`"),
        ("price: {model: gpt-5.5, input_usd_per_million: 1, output_usd_per_million: 1}", "add `from: litellm`"),
    ],
)
def test_what_has_no_price_is_said_and_not_free(priced, price, sentence) -> None:
    with pytest.raises(ConfigError) as refused:
        priced(price)
    assert sentence in str(refused.value)


def test_without_litellm_the_remedy_is_told(priced) -> None:
    with pytest.raises(ConfigError, match="pip install"):
        priced("price: litellm", None)


def test_an_answer_of_a_gpu_by_the_hour_costs_nothing_more(priced) -> None:
    price = price_of(priced("price: {gpu_hour_usd: 2.50, gpus: 4}"))
    assert (price.gpu_hour, price.is_free, Usage(10**6, 10**6).cost(price)) == (nano_usd(10), True, 0)


def test_each_endpoint_may_have_its_own_price(priced) -> None:
    own = "{input_usd_per_million: 0.02, output_usd_per_million: 0}"
    spec = priced(f"price: {{chat: litellm, embeddings: {own}}}").backends["frontier"]
    chat, embeddings = spec.price_for(Endpoint.CHAT), spec.price_for(Endpoint.EMBEDDINGS)
    assert chat is not None
    assert embeddings is not None
    assert (chat.input, embeddings.input) == (nano_usd(5), nano_usd("0.02"))
    assert spec.price_for(Endpoint.COMPLETIONS) == chat


def test_the_list_is_there_without_importing_anything() -> None:
    rows = price_list()
    assert rows is not None
    assert rows["gpt-5-mini"]["input_cost_per_token"] == 2.5e-07
