"""Nothing of what people write reaches the journal, the log or the metrics, whatever part of a request it stands in."""

import asyncio
import io
import json
import time
from pathlib import Path

import pytest
from recorded import Fleet, Sweep, a_policy

from gateway.classify.verdict import Classifier
from gateway.classify.weights import shipped_weights
from gateway.core.types import ANONYMOUS, BackendState, Endpoint, Envelope
from gateway.http.respond import AsgiResponder
from gateway.pipeline import Pipeline
from gateway.shadows import Shadows
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.sweep import Sweep as RealSweep
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.recorder import Recorder

SECRET = "marzipan"
CARD = "4111 1111 1111 1111"
DOCUMENT = {
    "model": "marzipan-model",
    "messages": [
        {"role": "marzipan-role", "content": f"my marzipan card is {CARD}"},
        {"role": "user", "content": [{"type": "marzipan_url", "marzipan_url": {"url": "data:marzipan"}}]},
    ],
    "tools": [{"type": "function", "function": {"name": "marzipan", "parameters": {"marzipan": 1}}}],
    "user": "marzipan",
    "marzipan": ["marzipan", {"marzipan": CARD}],
}


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


def envelope(endpoint: Endpoint) -> Envelope:
    body = json.dumps(DOCUMENT).encode()
    return Envelope(
        id="req_" + "7" * 24,
        caller=ANONYMOUS,
        endpoint=endpoint,
        method="POST",
        path="/v1/marzipan?card=" + CARD.replace(" ", "%20"),
        model="marzipan-model",
        stream=False,
        needs=frozenset(),
        prompt_tokens=40,
        max_tokens=None,
        received_at=time.time(),
        deadline_s=60.0,
        body=body,
        document=None if endpoint is Endpoint.UNKNOWN else DOCUMENT,
        headers=((b"authorization", b"Bearer marzipan"), (b"x-marzipan", b"marzipan")),
    )


async def nothing_left() -> None:
    await asyncio.Event().wait()


async def send(message: object) -> None:
    """The client's side, which may see what it wrote."""


def on_disk(folder: Path) -> list[str]:
    return [path.read_bytes().decode("latin-1") for path in folder.iterdir()]


@pytest.mark.parametrize("is_up", [False, True], ids=["refused", "crashed"])
@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.GENERATE, Endpoint.UNKNOWN])
async def test_no_content_leaves_a_trace(tmp_path: Path, endpoint: Endpoint, is_up: bool, caplog) -> None:
    fleet, out, policy = Fleet(), io.StringIO(), a_policy()
    fleet.states = {name: BackendState(is_up, "asleep") for name in fleet.states}
    journal, metrics, clock = SqliteJournal(tmp_path / "journal.sqlite"), Metrics(policy, fleet, Sweep()), SystemClock()
    recorder = Recorder(journal, metrics, out)
    await recorder.start()
    classifier = Classifier(policy.labelling, shipped_weights(), b"k" * 32)
    pipeline = Pipeline(policy, classifier, fleet, recorder, RealSweep(clock), Shadows(recorder, clock), clock)
    await pipeline.serve(envelope(endpoint), nothing_left, AsgiResponder(send, endpoint))
    await recorder.flushed()
    (record,) = journal.read(0, 10)
    traces = [repr(record), out.getvalue(), metrics.render().decode(), caplog.text, *on_disk(tmp_path)]
    await recorder.aclose()
    journal.close()
    assert record.verdict.sensitivity.label == "restricted"
    for trace in traces:
        assert SECRET not in trace
        assert CARD not in trace
        assert CARD.replace(" ", "") not in trace
