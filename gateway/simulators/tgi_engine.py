"""TGI's router and engine: permits, queue, batch, tokens in time, and the counts of all that."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import msgspec

from gateway.simulators.pace import Pace
from gateway.simulators.tgi_job import CHUNK, Job, Plan, TgiError, TgiSettings, Token, plan
from gateway.simulators.tgi_meters import Meters
from gateway.simulators.watch import CURRENT, Watch

CUDA = "Request failed during generation: Server error: CUDA out of memory. Tried to allocate 2.00 GiB"


class Timing(msgspec.Struct):
    """Moments of one generation, on the monotonic clock in seconds, and how many tokens were made."""

    arrived: float
    queued: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    made: int = 0


class Engine:
    """Generations in flight. `max_concurrent_requests` hold a permit; of them `batch_size` are computed at a time."""

    def __init__(self, settings: TgiSettings, watch: Watch, meters: Meters) -> None:
        self.settings = settings
        self.meters = meters
        self._watch = watch
        self._permits = settings.max_concurrent_requests
        self._places = asyncio.Semaphore(settings.batch_size)
        self._asked = 0

    async def whole(self, job: Job) -> tuple[Plan, Timing]:
        """Generate to the end. Raises `TgiError`."""
        with self._permit(job) as (planned, timing):
            async with self._computing(planned, timing):
                await Pace(self._watch.faults, planned.seed).whole(len(planned.tokens))
                timing.made = len(planned.tokens)
            return planned, timing

    async def stream(self, job: Job) -> AsyncGenerator[tuple[Plan, Token], None]:
        """Generate token by token. Raises `TgiError` before the first."""
        with self._permit(job) as (planned, timing):
            async with self._computing(planned, timing):
                pace = Pace(self._watch.faults, planned.seed)
                await pace.prefill()
                for token in planned.tokens:
                    await pace.token()
                    timing.made += 1
                    yield planned, token

    @contextlib.contextmanager
    def _permit(self, job: Job) -> Iterator[tuple[Plan, Timing]]:
        """Admission, then validation: an overloaded router does not even look."""
        timing = Timing(time.monotonic())
        self.meters.count("tgi_request_count")
        self._admit()
        try:
            planned = plan(job, self.settings)
        except TgiError:
            self.meters.fail("validation")
            raise
        CURRENT.get().parameters = dict(job.parameters)
        self.meters.record("tgi_request_input_length", planned.input_tokens)
        self.meters.record("tgi_request_max_new_tokens", min(planned.max_new_tokens, CHUNK))
        timing.queued = time.monotonic()
        self._permits -= 1
        try:
            yield planned, timing
        finally:
            self._permits += 1

    def _admit(self) -> None:
        self._asked += 1
        if self._permits == 0 or self._watch.faults.takes_overload(self._asked):
            self.meters.fail("overloaded")
            raise TgiError(429, "overloaded", "Model is overloaded")
        if self._watch.faults.error_event_first:
            self.meters.fail("generation")
            self.meters.is_healthy = False
            raise TgiError(424, "generation", CUDA)

    @contextlib.asynccontextmanager
    async def _computing(self, planned: Plan, timing: Timing) -> AsyncIterator[None]:
        """Queue for a place in the batch and hold it; however it ends, it is counted and billed."""
        meters = self.meters
        reserved = planned.input_tokens + min(planned.max_new_tokens, CHUNK)
        try:
            await self._queue()
        except asyncio.CancelledError:
            meters.fail("dropped")
            raise
        timing.started = time.monotonic()
        meters.batch_size += 1
        meters.batch_max_tokens += reserved
        meters.record("tgi_batch_next_size", meters.batch_size)
        try:
            yield
        finally:
            timing.ended = time.monotonic()
            meters.batch_size -= 1
            meters.batch_max_tokens -= reserved
            self._places.release()
            self._watch.charge(self.settings.model_id, planned.input_tokens, timing.made)
            self._count_end(planned, timing)

    async def _queue(self) -> None:
        self.meters.queue_size += 1
        try:
            await self._places.acquire()
        finally:
            self.meters.queue_size -= 1

    def _count_end(self, planned: Plan, timing: Timing) -> None:
        if timing.made < len(planned.tokens):
            self.meters.fail("dropped")
            return
        self.meters.count("tgi_request_success")
        computing = timing.ended - timing.started
        for name, value in (
            ("tgi_request_duration", timing.ended - timing.arrived),
            ("tgi_request_validation_duration", timing.queued - timing.arrived),
            ("tgi_request_queue_duration", timing.started - timing.queued),
            ("tgi_request_inference_duration", computing),
            ("tgi_request_mean_time_per_token_duration", computing / timing.made),
            ("tgi_request_generated_tokens", timing.made),
            ("tgi_request_skipped_tokens", 0),
        ):
            self.meters.record(name, value)
        for method, calls in (("prefill", 1), ("decode", timing.made - 1)):
            if calls:
                self.meters.infer(method, calls, computing / timing.made)
