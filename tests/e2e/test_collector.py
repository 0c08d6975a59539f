"""Traces and figures as an OpenTelemetry collector hears them, of the whole gateway."""

from collections.abc import AsyncIterator

import openai
import pytest
from collecting import Collector, collecting
from house import EVERYTHING_TO_OPENAI, LOCAL_FIRST, House, open_house

from gateway.config import Settings
from gateway.core.errors import ConfigError
from gateway.core.tracing import attempt_span_id, request_span_id

SERVER, CLIENT = 2, 3
MODEL = "meta-llama/Llama-3.3-70B-Instruct"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CAME = {"traceparent": f"00-{TRACE}-{SPAN}-01"}

pytestmark = pytest.mark.slow


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as opened:
        yield opened


def told(collector: Collector, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more}


def heard(house: House) -> str:
    return dict(house.gpu.log[-1].headers)[b"traceparent"].decode()


async def test_a_request_is_a_span_of_the_callers_trace_and_its_attempt_one_within(collector, a_house) -> None:
    house: House = await a_house(LOCAL_FIRST, variables=told(collector))
    answer = await house.chat_raw("Say hello", max_tokens=7, extra_headers=CAME)
    await collector.heard(lambda so_far: len(so_far.spans) == 2)
    request, attempt = collector.spans
    assert (request.name, request.kind, request.trace_id) == ("POST /v1/chat/completions", SERVER, TRACE)
    assert (request.parent_id, request.span_id) == (SPAN, request_span_id(answer.headers["x-request-id"]))
    assert (attempt.name, attempt.kind, attempt.trace_id) == (f"chat {MODEL}", CLIENT, TRACE)
    assert attempt.parent_id == request.span_id
    assert request.started <= attempt.started <= attempt.ended <= request.ended
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["gateway.decision_id"] == answer.headers["x-gateway-decision-id"]
    usage = answer.parse().usage
    assert {name: each for name, each in attempt.attributes.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "tgi",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.max_tokens": 7,
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
    }
    assert collector.schemas == {"https://opentelemetry.io/schemas/1.41.0"}
    assert collector.resources[0]["service.name"] == "hybrid-gateway"


async def test_a_backend_hears_of_the_span_it_was_asked_from(collector, a_house) -> None:
    house: House = await a_house(LOCAL_FIRST, variables=told(collector))
    await house.chat("Say hello", extra_headers=CAME)
    await collector.heard(lambda so_far: len(so_far.spans) == 2)
    assert heard(house) == f"00-{TRACE}-{collector.spans[1].span_id}-01"


async def test_each_attempt_is_a_span_and_a_failed_one_an_error(collector, a_house) -> None:
    house: House = await a_house(EVERYTHING_TO_OPENAI, variables=told(collector))
    house.gpu.faults.overloaded = True
    answer = await house.chat_raw("Say hello")
    await collector.heard(lambda so_far: len(so_far.spans) == 4)
    request, *attempts = collector.spans
    assert [attempt.is_error for attempt in attempts] == [True, True, False]
    assert [attempt.attributes["gateway.zone"] for attempt in attempts] == ["on_prem", "on_prem", "openai"]
    ids = [attempt_span_id(answer.headers["x-request-id"], number) for number in range(3)]
    assert [attempt.span_id for attempt in attempts] == ids
    assert not request.is_error


async def test_a_clients_own_mistake_is_no_error_of_the_gateways(collector, a_house) -> None:
    house: House = await a_house(LOCAL_FIRST, variables=told(collector))
    with pytest.raises(openai.BadRequestError):
        await house.client.chat.completions.create(model="auto", messages=[])
    await collector.heard(lambda so_far: len(so_far.spans) >= 1)
    assert collector.spans[0].attributes["http.response.status_code"] == 400
    assert not collector.spans[0].is_error


async def test_who_is_not_sampled_is_not_told_of(collector, a_house) -> None:
    house: House = await a_house(LOCAL_FIRST, variables=told(collector))
    await house.chat("Say hello", extra_headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    assert heard(house).endswith("-00")
    await house.chat("Say hello", extra_headers=CAME)
    await collector.heard(lambda so_far: len(so_far.spans) == 2)


async def test_no_word_of_a_prompt_or_an_answer_reaches_the_collector(collector, a_house) -> None:
    house: House = await a_house(LOCAL_FIRST, variables=told(collector, OTEL_RESOURCE_ATTRIBUTES="team=platform"))
    answer = await house.chat("My invented secret is heliotrope, and my card 4111 1111 1111 1111")
    await collector.heard(lambda so_far: len(so_far.spans) == 2)
    assert b"heliotrope" not in collector.raw
    assert b"4111" not in collector.raw
    assert answer.choices[0].message.content.encode() not in collector.raw


async def test_figures_follow_the_conventions(collector) -> None:
    async with open_house(LOCAL_FIRST, variables=told(collector)) as house:
        answer = await house.chat("Say hello")
    await collector.heard(lambda so_far: "gen_ai.client.token.usage" in so_far.figures)
    by_type = {labels["gen_ai.token.type"]: point for labels, point in collector.figures["gen_ai.client.token.usage"]}
    assert by_type["input"].sum == answer.usage.prompt_tokens
    assert by_type["output"].sum == answer.usage.completion_tokens
    ((labels, seconds),) = collector.figures["gen_ai.client.operation.duration"]
    assert (seconds.count, labels["gen_ai.operation.name"]) == (1, "chat")
    assert seconds.explicit_bounds[0] == 0.01


async def test_a_collector_that_takes_nothing_holds_nobody_up_and_is_counted(collector, a_house) -> None:
    collector.status = 400
    house: House = await a_house(LOCAL_FIRST, variables=told(collector))
    await house.chat("Say hello")
    await collector.heard(lambda so_far: len(so_far.raw) > 0)
    assert (await house.chat_raw("Say hello again")).status_code == 200
    collector.status = 200
    await collector.heard(lambda so_far: len(so_far.spans) == 4)


async def test_a_sampler_that_is_none_is_told_with_the_ones_there_are() -> None:
    with pytest.raises(ConfigError, match="`OTEL_TRACES_SAMPLER` must be one of `always_on`"):
        Settings.read({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_SAMPLER": "some"}, {})
