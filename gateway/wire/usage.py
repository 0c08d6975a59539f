"""How many tokens an answer took: what the backend reports, else a count of the pieces it sent."""

import msgspec

from gateway.core.usage import Usage
from gateway.wire.openai_errors import said
from gateway.wire.sse import MAX_EVENT_BYTES, EventTooLarge

_MOST_TOKENS = 2**31 - 1  # no answer is larger, and a number without bounds would not fit into the record

_DONE_LINES = (b"data: [DONE]", b"data:[DONE]")
# Events without a token in them: the one that names the role, the one that gives the reason to stop, the one of usage.
# None of these can stand inside a JSON string, whose quotes would be escaped.
_EMPTY_PIECES = (b'"content":""', b'"delta":{}', b'"choices":[]')


class _PromptDetails(msgspec.Struct):
    """`cache_creation_tokens` is litellm's word for what OpenAI calls `cache_write_tokens`."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class _AnswerDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Reported(msgspec.Struct):
    """OpenAI's usage object; the second half are the names of /v1/responses."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _AnswerDetails | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _PromptDetails | None = None
    output_tokens_details: _AnswerDetails | None = None


class _Inner(msgspec.Struct):
    usage: _Reported | None = None


class _Answer(msgspec.Struct):
    usage: _Reported | None = None
    response: _Inner | str | None = None  # the last event of a stream of /v1/responses


_decode = msgspec.json.Decoder(_Answer).decode


def from_answer(body: bytes) -> Usage | None:
    """The usage that a whole answer, or one event of a stream, reports; None where it reports none or is no JSON."""
    try:
        answer = _decode(body)
    except (ValueError, RecursionError):
        return None
    reported = answer.usage
    if reported is None and isinstance(answer.response, _Inner):
        reported = answer.response.usage
    return _usage(reported) if reported else None


def counted(prompt: int | None, completion: int | None) -> Usage | None:
    """Usage as a backend reports it; None where that cannot be true."""
    if prompt is None or not 0 <= prompt <= _MOST_TOKENS or not 0 <= (completion or 0) <= _MOST_TOKENS:
        return None
    return Usage(prompt, completion or 0)


def _usage(reported: _Reported) -> Usage | None:
    prompt = reported.input_tokens if reported.prompt_tokens is None else reported.prompt_tokens
    completion = reported.output_tokens if reported.completion_tokens is None else reported.completion_tokens
    usage = counted(prompt, completion)
    of_prompt = reported.prompt_tokens_details or reported.input_tokens_details
    of_answer = reported.completion_tokens_details or reported.output_tokens_details
    if usage is None or (of_prompt is None and of_answer is None):
        return usage
    return _detailed(usage, of_prompt or _PromptDetails(), of_answer or _AnswerDetails())


def _detailed(usage: Usage, of_prompt: _PromptDetails, of_answer: _AnswerDetails) -> Usage:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    return Usage(
        prompt,
        completion,
        _part(of_prompt.cached_tokens, prompt),
        cache_write_tokens=_part(of_prompt.cache_write_tokens or of_prompt.cache_creation_tokens, prompt),
        audio_tokens=_part(of_prompt.audio_tokens, prompt),
        image_tokens=_part(of_prompt.image_tokens, prompt),
        reasoning_tokens=_part(of_answer.reasoning_tokens, completion),
        spoken_tokens=_part(of_answer.audio_tokens, completion),
    )


def _part(tokens: int | None, whole: int) -> int:
    return min(max(tokens or 0, 0), whole)


class StreamTap:
    """Listens to an OpenAI-like event stream that passes by: its usage, and whether its end or an error came."""

    __slots__ = ("_pieces", "_prompt_tokens", "_reported", "_rest", "_rest_bytes", "has_error", "is_done")

    def __init__(self, prompt_tokens: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._reported: Usage | None = None
        self._pieces = 0
        self._rest: list[bytes] = []  # of a line that has begun
        self._rest_bytes = 0
        self.is_done = False
        self.has_error = False

    @property
    def usage(self) -> Usage:
        """As the backend reported it; until it does, one token for each piece of content that has passed."""
        if self._reported is not None:
            return self._reported
        return Usage(self._prompt_tokens, max(self._pieces, 0), is_estimate=True)

    def feed(self, data: bytes) -> None:
        """Raises EventTooLarge where a line does not end."""
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._keep(data)
            return
        lines = data[:cut] if cut < len(data) else data
        if self._rest:
            self._rest.append(lines)
            lines = b"".join(self._rest)
            self._rest.clear()
            self._rest_bytes = 0
        if cut < len(data):
            self._keep(data[cut:])
        self._read(lines)

    def finish(self) -> None:
        """The stream has ended: its last line may lack its end."""
        if self._rest:
            self.feed(b"\n")

    def _keep(self, data: bytes) -> None:
        self._rest.append(data)
        self._rest_bytes += len(data)
        if self._rest_bytes > MAX_EVENT_BYTES:
            raise EventTooLarge(f"a line of more than {MAX_EVENT_BYTES} bytes")

    def _read(self, lines: bytes) -> None:
        text = b"\n" + lines
        pieces = text.count(b"\ndata:")
        if b"[DONE]" in text and any(b"\n" + done in text for done in _DONE_LINES):
            self.is_done = True
            pieces -= 1
        if b'"error"' in text and any(said(line[5:]) for line in lines.split(b"\n") if b'"error"' in line):
            self.has_error = True
        for empty in _EMPTY_PIECES:
            pieces -= text.count(empty)
        self._pieces += pieces
        if text.count(b'"usage"') > text.count(b'"usage":null'):
            self._read_usage(lines)

    def _read_usage(self, lines: bytes) -> None:
        """Some servers report in every event what has been used so far; the last one counts."""
        for line in reversed(lines.split(b"\n")):
            if b'"usage"' in line and (reported := from_answer(line.removeprefix(b"data:"))) is not None:
                self._reported = reported
                return
