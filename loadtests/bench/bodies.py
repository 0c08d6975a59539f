"""The request bodies of a benchmark: chats of an exact size in generated text, as a file that `requests.lua` reads."""

import json
import random
from pathlib import Path

from loadtests.prose import prose, task

COUNT = 4096
SIZES = (979, 4096, 16384)
"""Bytes of the bodies of a run; the first is the size of the measurements that came before these."""

MARK = "@@@@@@"
"""Stands where `requests.lua` puts a word that no request had before. Letters, so that no detector takes it for a
number."""

_SYSTEM = "You are the assistant of a small company that makes bicycle parts. Answer briefly and truthfully."


def body(dice: random.Random, model: str, size: int, *, stream: bool) -> str:
    """A chat completion request of exactly `size` bytes whose last message nobody has sent before."""
    asked = f"{task(dice)} Reference: {MARK}. "
    shell = _json(model, asked, stream=stream)
    room = size - len(shell)
    text = prose(dice, room // 4)[:room]
    return _json(model, asked + text, stream=stream)


def write(path: Path, model: str, size: int, *, stream: bool) -> None:
    """A line a body; fewer of the large ones, as the mark alone makes each unseen."""
    dice = random.Random(size)
    lines = (body(dice, model, size, stream=stream) for _ in range(min(COUNT, 4_000_000 // size)))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _json(model: str, text: str, *, stream: bool) -> str:
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}]
    request = {"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 256, "stream": stream}
    return json.dumps(request, separators=(",", ":"))
