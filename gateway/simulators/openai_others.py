"""OpenAI's smaller routes: embeddings, moderations, files, transcriptions."""

import base64
import functools
import math
import random
import re
import struct
import time
import uuid
from collections.abc import Mapping
from typing import Any

from gateway.simulators.openai_errors import Refusal, missing, outage, pretty
from gateway.simulators.openai_fields import EMBEDDING, MODERATION, check
from gateway.simulators.openai_model import Model
from gateway.simulators.openai_text import prompts_of
from gateway.simulators.reply import Arrived, Whole
from gateway.simulators.wording import seed_of, wording

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip

MOST_INPUTS = 2048


async def embeddings(body: Mapping[str, Any], model: Model) -> Whole:
    """Unit vectors, the same for the same text."""
    check(body, EMBEDDING, "model", "input")
    model.must_exist(body["model"])
    inputs = prompts_of(body["input"], "input")
    form = body.get("encoding_format") or "float"
    if len(inputs) > MOST_INPUTS or form not in ("float", "base64"):
        name = "input" if len(inputs) > MOST_INPUTS else "encoding_format"
        raise Refusal(400, f"Invalid value for '{name}'.", param=name, code="invalid_value")
    counted = sum(count for _, count in inputs)
    await model.say_whole(body["model"], counted, 0)
    size = body.get("dimensions") or model.settings.dimensions
    rows = [vector(seed_of(text), size) for text, _ in inputs]
    told = [
        {"object": "embedding", "index": index, "embedding": _packed(row) if form == "base64" else list(row)}
        for index, row in enumerate(rows)
    ]
    usage = {"prompt_tokens": counted, "total_tokens": counted}
    return pretty({"object": "list", "data": told, "model": body["model"], "usage": usage})


@functools.lru_cache(maxsize=1024)
def vector(seed: int, size: int) -> tuple[float, ...]:
    dice = random.Random(seed)
    row = [dice.gauss(0, 1) for _ in range(size)]
    length = math.sqrt(sum(value * value for value in row))
    return struct.unpack(f"<{size}f", struct.pack(f"<{size}f", *(value / length for value in row)))


def _packed(row: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


async def moderations(body: Mapping[str, Any], model: Model) -> Whole:
    check(body, MODERATION, "input")
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    flags = dict.fromkeys(CATEGORIES, False)
    scores = dict.fromkeys(CATEGORIES, 0.0001)
    results = [{"flagged": False, "categories": flags, "category_scores": scores} for _ in inputs]
    name = body.get("model") or "omni-moderation-latest"
    return pretty({"id": f"modr-{uuid.uuid4().hex[:24]}", "model": name, "results": results})


async def upload(arrived: Arrived, model: Model) -> Whole:
    """Accepts a file and forgets it."""
    parts = _parts(arrived)
    if "file" not in parts:
        raise missing("file")
    name, content = parts["file"]
    _, purpose = parts.get("purpose", ("", b"assistants"))
    return pretty(
        {
            "object": "file",
            "id": f"file-{uuid.uuid4().hex[:22]}",
            "purpose": purpose.decode("utf-8", "replace"),
            "filename": name,
            "bytes": len(content),
            "created_at": int(time.time()),
            "expires_at": None,
            "status": "processed",
            "status_details": None,
        }
    )


async def transcribe(arrived: Arrived, model: Model) -> Whole:
    """Hears something in any recording; a second for 32,000 bytes."""
    parts = _parts(arrived)
    for required in ("file", "model"):
        if required not in parts:
            raise missing(required)
    if model.faults.error_event_first:
        raise outage(500)
    name = parts["model"][1].decode("utf-8", "replace")
    model.must_exist(name)
    recording = parts["file"][1]
    text = "".join(wording(seed_of(recording.hex()), *model.limits))
    model.charge(name, len(recording) // 3200)
    if parts.get("response_format", ("", b"json"))[1] == b"text":
        return Whole(200, text.encode() + b"\n", b"text/plain; charset=utf-8")
    return pretty({"text": text, "usage": {"type": "duration", "seconds": -(-len(recording) // 32_000)}})


def _parts(arrived: Arrived) -> dict[str, tuple[str, bytes]]:
    """Form field to (file name, content)."""
    kind = arrived.header(b"content-type")
    boundary = re.search(r'boundary="?([^";]+)"?', kind)
    if not kind.startswith("multipart/form-data") or boundary is None:
        raise Refusal(400, "This route expects multipart/form-data.")
    parts: dict[str, tuple[str, bytes]] = {}
    for piece in arrived.body.split(b"--" + boundary[1].encode()):
        head, _, content = piece.partition(b"\r\n\r\n")
        name = re.search(rb'(?i)\bname="([^"]*)"', head)
        if name is not None:
            file = re.search(rb'(?i)filename="([^"]*)"', head)
            parts[name[1].decode()] = (file[1].decode() if file else "", content.removesuffix(b"\r\n"))
    return parts
