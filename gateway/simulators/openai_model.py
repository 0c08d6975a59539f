"""The simulated model behind OpenAI's routes: which names exist, how long an answer takes, what it is charged."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec

from gateway.simulators.faults import Faults
from gateway.simulators.openai_errors import Refusal, outage, unknown_model
from gateway.simulators.pace import Pace
from gateway.simulators.watch import Watch


class OpenAISettings(msgspec.Struct, frozen=True):
    """The account and the models, and how fast they are (milliseconds).

    `api_key` None: any key, or none, is let in. `models` None: every name exists. `requests_per_minute` None: no limit
    is enforced. `shortest`, `longest`: length of an unbounded answer in tokens. `obfuscation`: chunks are padded to
    hide their length, as OpenAI does by default. `keep_log`: newest requests remembered; 0 under load.
    """

    api_key: str | None = None
    models: tuple[str, ...] | None = None
    organization: str = "northwind-gears"
    requests_per_minute: int | None = None
    context_tokens: int = 400_000
    dimensions: int = 1536
    obfuscation: bool = False
    prefill_ms: float = 0.0
    token_ms: float = 0.0
    jitter: float = 0.0
    shortest: int = 20
    longest: int = 60
    keep_log: int = 10_000


class Model:
    """Every model name speaks alike; each has its own bill."""

    fingerprint = "fp_0123456789"

    def __init__(self, settings: OpenAISettings, watch: Watch) -> None:
        self.settings = settings
        self.limits = (settings.shortest, settings.longest)
        self._watch = watch

    @property
    def faults(self) -> Faults:
        return self._watch.faults

    def must_exist(self, name: str) -> None:
        if self.settings.models is not None and name not in self.settings.models:
            raise unknown_model(name)

    def must_fit(self, prompt: int, param: str) -> None:
        limit = self.settings.context_tokens
        if prompt > limit:
            message = (
                f"This model's maximum context length is {limit} tokens, but your {param} came to {prompt} tokens."
            )
            raise Refusal(400, message, param=param, code="context_length_exceeded")

    async def say_whole(self, name: str, prompt: int, made: int) -> None:
        """Take the time for an answer in one piece. Cut short, the prompt is charged and what was made is not known."""
        if self.faults.error_event_first:
            raise outage(500)
        done = 0
        try:
            await Pace(self.faults, prompt).whole(made)
            done = made
        finally:
            self._watch.charge(name, prompt, done)

    async def say(self, name: str, prompt: int, made: int) -> AsyncGenerator[int, None]:
        """Yields once after the prefill and once a token; charges what was yielded."""
        pace = Pace(self.faults, prompt)
        done = 0
        try:
            await pace.prefill()
            yield done
            for done in range(1, made + 1):
                await pace.token()
                yield done
        finally:
            self._watch.charge(name, prompt, done)

    def charge(self, name: str, prompt: int) -> None:
        self._watch.charge(name, prompt, 0)

    def obfuscated(self, chunk: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """The chunk, padded to one of a few lengths where the account has that on and `stream_options` not off."""
        if not self.settings.obfuscation or options.get("include_obfuscation") is False:
            return chunk
        return {**chunk, "obfuscation": "x" * (16 - len(str(chunk["choices"])) % 16)}
