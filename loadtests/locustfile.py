"""The everyday mix against any OpenAI-compatible endpoint: `locust -f loadtests/locustfile.py --headless --host URL`.

Open loop: requests leave when the trace says, not when the answer before has come, so a slow server is not spared. One
Locust user is one source of `--rate` requests a second; each request is a greenlet of its own.
"""

import json
import os
import random
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import gevent
from gevent.pool import Group
from geventhttpclient.response import HTTPParseError
from locust import FastHttpUser, constant, events, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment

from loadtests.everyday import Arrival, Mix, arrivals

MOST_IN_FLIGHT = 2000
LATE_S = 1.0
DRAIN_S = 60.0
_PATH = "/v1/chat/completions"


class Malformed(Exception):
    """The answer is none of OpenAI's; says why."""


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser) -> None:
    mix = Mix()
    parser.add_argument("--rate", type=float, default=5.0, help="requests a second of one user, on average")
    parser.add_argument("--model", default=mix.model, help="the model that requests name")
    parser.add_argument("--streamed", type=float, default=mix.streamed, help="share of streamed requests, 0 to 1")
    parser.add_argument("--tools", type=float, default=mix.tools, help="share that brings a tool, 0 to 1")
    parser.add_argument("--private", type=float, default=mix.private, help="share with invented private data, 0 to 1")
    parser.add_argument("--seed", type=int, default=1, help="the same seed sends the same requests")


class Source(FastHttpUser):
    """Sends what arrives, when it arrives."""

    wait_time = constant(0)
    concurrency = MOST_IN_FLIGHT
    network_timeout = 600.0
    _users = 0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        given = environment.parsed_options
        seed, Source._users = given.seed + Source._users, Source._users + 1
        mix = Mix(given.model, given.streamed, given.tools, given.private)
        self._arrivals = arrivals(random.Random(seed), given.rate, mix)
        key = os.environ.get("OPENAI_API_KEY", "any")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._in_flight = Group()
        self._began = 0.0

    def on_start(self) -> None:
        self._began = time.monotonic()

    def on_stop(self) -> None:
        """What has been asked is answered, or counts as a failure."""
        self._in_flight.join(timeout=DRAIN_S)
        for _ in range(len(self._in_flight)):
            self._report("POST", "unanswered", DRAIN_S, Malformed(f"no answer within {DRAIN_S:g} s of the end"))
        self._in_flight.kill()

    @task
    def arrive(self) -> None:
        arrival = next(self._arrivals)
        due = self._began + arrival.at_s
        gevent.sleep(max(0.0, due - time.monotonic()))
        late_s = time.monotonic() - due
        problem = Malformed("the load generator is behind; lower --rate") if late_s > LATE_S else None
        self._report("LOAD", "behind schedule", late_s, problem)
        if len(self._in_flight) >= MOST_IN_FLIGHT:
            self._report("LOAD", "not sent", 0.0, Malformed(f"{MOST_IN_FLIGHT} requests are unanswered already"))
        else:
            self._in_flight.spawn(self._ask, arrival)

    def _ask(self, arrival: Arrival) -> None:
        is_stream = arrival.request.get("stream", False)
        name = f"{arrival.kind}, {'streamed' if is_stream else 'whole'}"
        body = json.dumps(arrival.request)
        began = time.monotonic()
        with self.client.post(
            _PATH, body, name=name, headers=self._headers, stream=is_stream, catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure(_refusal(answer))
                return
            try:
                if is_stream:
                    self._read_stream(answer, began)
                    answer.request_meta["response_time"] = (time.monotonic() - began) * 1000
                else:
                    _check_whole(answer.content)
            except Malformed as problem:
                answer.failure(str(problem))

    def _read_stream(self, answer: ResponseContextManager, began: float) -> None:
        """To its end, noting when the first token came."""
        has_token, finish = False, None
        for event in _events(answer):
            if event == "[DONE]":
                if finish is None:
                    raise Malformed("the stream has no finish_reason")
                return
            chunk = _parsed(event)
            if "error" in chunk:
                raise Malformed(f"the stream ended in an error: {json.dumps(chunk['error'])[:200]}")
            for choice in chunk.get("choices", ()):
                finish = choice.get("finish_reason") or finish
                delta = choice.get("delta", {})
                if not has_token and (delta.get("content") or delta.get("tool_calls")):
                    has_token = True
                    self._report("SSE", "time to first token", time.monotonic() - began, None)
        raise Malformed("the stream was cut: no [DONE]")

    def _report(self, type: str, name: str, seconds: float, problem: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type=type,
            name=name,
            response_time=seconds * 1000,
            response_length=0,
            exception=problem,
            context={},
        )


def _events(answer: ResponseContextManager) -> Iterator[str]:
    try:
        while line := answer.stream.readline(b"\n"):
            if line.startswith(b"data:"):
                yield line[5:].strip().decode()
    except (HTTPParseError, OSError) as cut:
        raise Malformed(f"the stream was cut: {cut}") from None


def _check_whole(content: bytes) -> None:
    answer = _parsed(content.decode())
    try:
        choice = answer["choices"][0]
        message, finish = choice["message"], choice["finish_reason"]
        tokens = answer["usage"]["completion_tokens"]
    except (KeyError, IndexError, TypeError) as missing:
        raise Malformed(f"the answer lacks {missing}") from None
    if not (message.get("content") or message.get("tool_calls")) or not finish or tokens < 1:
        raise Malformed("the answer is empty")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Malformed(f"not JSON: {text[:80]}") from None


def _refusal(answer: ResponseContextManager) -> str:
    """A failure's name: status and code, so that Locust counts like with like."""
    if not answer.status_code:
        return f"no answer: {type(answer.request_meta['exception']).__name__}"
    try:
        code = json.loads(answer.content)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = "without an error of OpenAI's form"
    return f"{answer.status_code} {code}"
