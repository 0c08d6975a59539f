"""TGI's own dialect: `/`, `/generate`, `/generate_stream`, `/tokenize`, `/chat_tokenize`, `/vertex`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from gateway.simulators.reply import Events, Headers, Reply, Whole, event, json_reply
from gateway.simulators.tgi_engine import Engine, Timing
from gateway.simulators.tgi_job import Job, Plan, TgiError, Token, encode, invalid, top_tokens
from gateway.simulators.wording import token_id

Body = Mapping[str, Any]

COMPUTE_TYPE = b"gpu+optimized"


async def compat_generate(body: Body, engine: Engine) -> Reply:
    """`POST /`: as `generate` or `generate_stream`, but with the prompt in front and the answer in a list."""
    parameters = dict(body.get("parameters") or {})
    if parameters.get("return_full_text") is None:
        parameters["return_full_text"] = True
    if body.get("stream"):
        return await generate_stream({**body, "parameters": parameters}, engine)
    answer, headers = await _generated({**body, "parameters": parameters}, engine)
    return json_reply([answer], headers=headers)


async def generate(body: Body, engine: Engine) -> Reply:
    answer, headers = await _generated(body, engine)
    return json_reply(answer, headers=headers)


async def generate_stream(body: Body, engine: Engine) -> Reply:
    job = native_job(body)
    return Events(_events(job, engine), stream_headers(job), engine.settings.keep_alive_s)


def native_job(body: Body) -> Job:
    return Job(body["inputs"], body.get("parameters") or {}, adds_special=True)


async def _generated(body: Body, engine: Engine) -> tuple[dict[str, Any], Headers]:
    job = native_job(body)
    planned, timing, others = await _best_of(job, engine)
    answer: dict[str, Any] = {"generated_text": _full_text(job, planned)}
    if job.parameters.get("details") or job.parameters.get("decoder_input_details"):
        answer["details"] = _details(job, planned, others)
    return answer, timing_headers(job, planned, timing)


async def _best_of(job: Job, engine: Engine) -> tuple[Plan, Timing, list[Plan]]:
    """The sequence to show, and the others where several were asked for."""
    best_of: int = job.parameters.get("best_of") or 1
    if best_of <= 1:
        return *(await engine.whole(job)), []
    sampling = ("do_sample", "temperature", "top_k", "top_p", "typical_p")
    if not any(job.parameters.get(name) for name in sampling):
        raise invalid("you must use sampling when `best_of` is > 1")
    if best_of > engine.settings.max_best_of:
        raise invalid(f"`best_of` must be > 0 and <= {engine.settings.max_best_of}. Given: {best_of}")
    made = await asyncio.gather(*(engine.whole(job) for _ in range(best_of)))
    return *made[0], [planned for planned, _ in made[1:]]


def _details(job: Job, planned: Plan, others: list[Plan]) -> dict[str, Any]:
    details = _sequence(job, planned)
    if others:
        sequences = [{"generated_text": _full_text(job, each), **_sequence(job, each)} for each in others]
        details["best_of_sequences"] = sequences
    return details


def _sequence(job: Job, planned: Plan) -> dict[str, Any]:
    prefill: list[dict[str, Any]] = []
    if job.parameters.get("decoder_input_details"):
        pieces = encode(job.inputs, job.adds_special)
        prefill = [{"id": token_id(piece), "text": piece, "logprob": None} for piece in pieces]
    told: dict[str, Any] = {
        "finish_reason": planned.finish,
        "generated_tokens": len(planned.tokens),
        "seed": planned.seed if job.parameters.get("do_sample") or job.parameters.get("seed") is not None else None,
        "prefill": prefill,
        "tokens": [token.as_wire() for token in planned.tokens],
    }
    if planned.top_n:
        told["top_tokens"] = [top_tokens(token, planned.top_n) for token in planned.tokens]
    return told


async def _events(job: Job, engine: Engine) -> AsyncGenerator[bytes, None]:
    """Ends without a `[DONE]`, after an error too."""
    try:
        if (job.parameters.get("best_of") or 1) != 1:
            raise invalid("`best_of` != 1 is not supported when streaming tokens")
        if job.parameters.get("decoder_input_details"):
            raise invalid("`decoder_input_details` == true is not supported when streaming tokens")
        async with contextlib.aclosing(engine.stream(job)) as made:
            index = 0
            async for planned, token in made:
                index += 1
                yield event(_stream_response(job, planned, token, index))
    except TgiError as error:
        yield event({"error": error.text, "error_type": error.error_type})


def _stream_response(job: Job, planned: Plan, token: Token, index: int) -> dict[str, Any]:
    told: dict[str, Any] = {"index": index, "token": token.as_wire()}
    if planned.top_n:
        told["top_tokens"] = top_tokens(token, planned.top_n)
    is_last = token.finish is not None
    told["generated_text"] = _full_text(job, planned) if is_last else None
    told["details"] = None
    if is_last and job.parameters.get("details"):
        told["details"] = {
            "finish_reason": token.finish,
            "generated_tokens": len(planned.tokens),
            "seed": planned.seed,
            "input_length": planned.input_tokens,
        }
    return told


def _full_text(job: Job, planned: Plan) -> str:
    return (job.inputs if job.parameters.get("return_full_text") else "") + planned.text


def tokenized(inputs: str, adds_special: bool) -> list[dict[str, Any]]:
    """What `/tokenize` says: offsets in bytes; the mark at the beginning has none."""
    rows: list[dict[str, Any]] = []
    at = 0
    for piece in encode(inputs, adds_special):
        is_added = adds_special and not rows
        end = at if is_added else at + len(piece.encode("utf-8", "surrogatepass"))
        rows.append({"id": token_id(piece), "text": "" if is_added else piece, "start": at, "stop": end})
        at = end
    return rows


async def vertex(predictions: list[Job], engine: Engine) -> Whole:
    """Any failure is told as an incomplete generation."""
    engine.meters.count("tgi_request_count")
    if not predictions:
        raise TgiError(422, "Input validation error", "Input validation error")
    try:
        made = await asyncio.gather(*(engine.whole(job) for job in predictions))
    except TgiError:
        raise TgiError(500, "Incomplete generation", "Incomplete generation") from None
    return json_reply({"predictions": [planned.text for planned, _ in made]})


def stream_headers(*jobs: Job) -> Headers:
    characters = sum(len(job.inputs) for job in jobs)
    return (
        (b"x-compute-type", COMPUTE_TYPE),
        (b"x-compute-characters", b"%d" % characters),
        (b"x-accel-buffering", b"no"),
    )


def timing_headers(job: Job, planned: Plan, timing: Timing) -> Headers:
    total = timing.ended - timing.arrived
    computing = timing.ended - timing.started
    return (
        (b"x-compute-type", COMPUTE_TYPE),
        (b"x-compute-time", str(total).encode()),
        (b"x-compute-characters", b"%d" % len(job.inputs)),
        (b"x-total-time", _ms(total)),
        (b"x-validation-time", _ms(timing.queued - timing.arrived)),
        (b"x-queue-time", _ms(timing.started - timing.queued)),
        (b"x-inference-time", _ms(computing)),
        (b"x-time-per-token", _ms(computing / len(planned.tokens))),
        (b"x-prompt-tokens", b"%d" % planned.input_tokens),
        (b"x-generated-tokens", b"%d" % len(planned.tokens)),
    )


def _ms(seconds: float) -> bytes:
    return b"%d" % int(seconds * 1000)
