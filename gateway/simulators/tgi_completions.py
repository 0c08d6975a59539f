"""TGI's `/v1/completions`: several prompts at once, answered as they are done and not as they were asked."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from gateway.simulators.reply import DONE, Events, Headers, Reply, event, json_reply
from gateway.simulators.tgi_chat import error_event, fingerprint, finish_word, usage
from gateway.simulators.tgi_engine import Engine, Timing
from gateway.simulators.tgi_job import Job, Plan, TgiError, Token
from gateway.simulators.tgi_native import stream_headers, timing_headers

Body = Mapping[str, Any]


async def completions(body: Body, engine: Engine) -> Reply:
    engine.meters.count("tgi_request_count")
    jobs = _jobs(body, engine)
    if body.get("stream"):
        return Events(_events(jobs, engine), stream_headers(*jobs), engine.settings.keep_alive_s)
    done: list[tuple[int, Plan, Timing]] = []

    async def one(index: int, job: Job) -> None:
        done.append((index, *(await engine.whole(job))))

    await asyncio.gather(*(one(index, job) for index, job in enumerate(jobs)))
    done.sort(key=lambda each: (len(each[1].tokens), -each[0]))  # one token a step: the shortest is done first
    choices = [_choice(index, planned.text, finish_word(planned.finish)) for index, planned, _ in done]
    answer = {"object": "text_completion", **_head(engine), "choices": choices, "usage": _sum(done)}
    return json_reply(answer, headers=_headers(jobs, done))


def _jobs(body: Body, engine: Engine) -> list[Job]:
    if body.get("suffix") is not None:
        engine.meters.fail("validation")
        text = "Suffix is not supported and can be achieved by preprocessing the prompt."
        raise TgiError(422, "suffix not supported", text)
    prompts = [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]
    limit = engine.settings.max_client_batch_size
    if len(prompts) > limit:
        engine.meters.fail("validation")
        text = f"Number of prompts exceeds the maximum allowed batch size of {limit}"
        raise TgiError(422, "batch size exceeded", text)
    return [Job(prompt, _parameters(body), adds_special=True) for prompt in prompts]


def _parameters(body: Body) -> dict[str, Any]:
    temperature, model = body.get("temperature"), body.get("model")
    return {
        "temperature": None if temperature == 0 else temperature,
        "repetition_penalty": body.get("repetition_penalty"),
        "frequency_penalty": body.get("frequency_penalty"),
        "top_p": body.get("top_p"),
        "do_sample": temperature != 0,
        "max_new_tokens": body.get("max_tokens"),
        "stop": body.get("stop") or [],
        "seed": body.get("seed"),
        "adapter_id": None if model == "tgi" else model,
    }


async def _events(jobs: list[Job], engine: Engine) -> AsyncGenerator[bytes, None]:
    """The streams of all prompts, a token of each in turn, then `[DONE]`."""
    async with contextlib.AsyncExitStack() as stack:
        streams = [
            (index, await stack.enter_async_context(contextlib.aclosing(engine.stream(job))))
            for index, job in enumerate(jobs)
        ]
        while streams:
            for index, stream in list(streams):
                try:
                    planned, token = await anext(stream)
                    yield event(_chunk(index, planned, token, engine))
                except StopAsyncIteration:
                    streams.remove((index, stream))
                except TgiError as error:
                    streams.remove((index, stream))
                    yield error_event(error)
    yield DONE


def _chunk(index: int, planned: Plan, token: Token, engine: Engine) -> dict[str, Any]:
    """A prompt's last chunk always has the usage, the engine's own finish word, and the mark that ends the text."""
    chunk: dict[str, Any] = {"object": "text_completion", "id": "", "created": int(time.time())}
    names = {"model": engine.settings.model_id, "system_fingerprint": fingerprint(engine)}
    choices = [_choice(index, token.text, token.finish or "")]
    if token.finish is None:
        return {**chunk, "choices": choices, **names}
    return {**chunk, **names, "choices": choices, "usage": usage(planned)}


def _choice(index: int, text: str, finish: str) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _head(engine: Engine) -> dict[str, Any]:
    """The model's own name, whatever the request said."""
    settings = engine.settings
    return {
        "id": "",
        "created": int(time.time()),
        "model": settings.model_id,
        "system_fingerprint": fingerprint(engine),
    }


def _sum(done: list[tuple[int, Plan, Timing]]) -> dict[str, int]:
    each = [usage(planned) for _, planned, _ in done]
    return {name: sum(one[name] for one in each) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def _headers(jobs: list[Job], done: list[tuple[int, Plan, Timing]]) -> Headers:
    """The numbers of all prompts added up."""
    rows = [dict(timing_headers(jobs[index], planned, timing)) for index, planned, timing in done]
    kept = [name for name in rows[0] if name not in (b"x-compute-type", b"x-compute-time")]
    added = ((name, b"%d" % sum(int(row[name]) for row in rows)) for name in kept)
    return ((b"x-compute-type", rows[0][b"x-compute-type"]), *added)
