"""TGI's `/v1/chat/completions`: template, tools by grammar, and its own idea of an OpenAI answer."""

import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from gateway.simulators.reply import DONE, Events, Reply, event, json_reply
from gateway.simulators.tgi_engine import Engine
from gateway.simulators.tgi_job import BOS, EOS, Job, Plan, TgiError, Token, top_tokens
from gateway.simulators.tgi_native import stream_headers, timing_headers
from gateway.simulators.tgi_tools import NO_TOOL, ToolSpeech, ToolStream, called, tool_schema, tool_speech

Chat = Mapping[str, Any]

TOOL_PROMPT = (
    "\nGiven the functions available, please respond with a JSON for a function call with its proper arguments that "
    "best answers the given prompt. Respond in the format {name: function name, parameters: dictionary of argument "
    "name and its value}.Do not use variables.\n"
)


async def chat_completions(chat: Chat, engine: Engine) -> Reply:
    """Raises `TgiError` for what is refused with a status, streamed or not: template and tool errors."""
    engine.meters.count("tgi_request_count")
    job, speech = job_of(chat)
    if chat.get("stream"):
        headers = stream_headers(job)
        return Events(_events(chat, job, speech, engine), headers, engine.settings.keep_alive_s)
    planned, timing = await engine.whole(job)
    message: dict[str, Any] = {"role": "assistant", "content": planned.text}
    if speech is not None and speech.name == NO_TOOL:
        job, _ = job_of({**chat, "tools": None})
        planned, timing = await engine.whole(job)
        message = {"role": "assistant", "content": planned.text}
    elif speech is not None:
        message = {"role": "assistant", "tool_calls": [called(planned.text)]}
    return json_reply(_completion(chat, planned, message, engine), headers=timing_headers(job, planned, timing))


def job_of(chat: Chat) -> tuple[Job, ToolSpeech | None]:
    """The generation behind a chat; with tools, also what the model will say."""
    tools, grammar = chat.get("tools"), chat.get("response_format")
    if grammar is not None and tools is not None:
        raise TgiError(422, "tool_error", "Tool error: Grammar and tools are mutually exclusive")
    used = [] if grammar is not None or tools is None else tool_schema(tools, chat.get("tool_choice"))
    appendix = f"\n---\n{json.dumps(used)}\n{chat.get('tool_prompt') or TOOL_PROMPT}" if used else ""
    inputs = template(chat["messages"], appendix)
    speech = tool_speech(used, template(chat["messages"][-1:], "")) if used else None
    says = None if speech is None else speech.tokens
    return Job(inputs, _parameters(chat, grammar), adds_special=False, says=says), speech


def template(messages: list[dict[str, Any]], appendix: str) -> str:
    """Llama 3's chat template. An assistant's last message is continued."""
    if not messages:
        raise TgiError(422, "template_error", "Template error: undefined value (in chat:1)")
    last = messages[-1]
    parts = [f"<|start_header_id|>{each['role']}<|end_header_id|>\n\n{_content(each)}" for each in messages]
    parts[-1] += appendix
    text = BOS + EOS.join(parts)
    return text if last["role"] == "assistant" else f"{text}{EOS}<|start_header_id|>assistant<|end_header_id|>\n\n"


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None:
        return json.dumps(message.get("tool_calls"))
    return "".join(part["text"] if part["type"] == "text" else f"![]({part['image_url']['url']})" for part in content)


def _parameters(chat: Chat, grammar: Any) -> dict[str, Any]:
    """As the router fills them in: note what becomes of `presence_penalty`."""
    penalty, temperature = chat.get("presence_penalty"), chat.get("temperature")
    model = chat.get("model")
    return {
        "temperature": None if temperature == 0 else temperature,
        "repetition_penalty": None if penalty is None else penalty + 2.0,
        "frequency_penalty": chat.get("frequency_penalty"),
        "top_p": chat.get("top_p"),
        "do_sample": temperature != 0,
        "max_new_tokens": chat.get("max_tokens", chat.get("max_completion_tokens")),
        "stop": chat.get("stop") or [],
        "seed": chat.get("seed"),
        "top_n_tokens": chat.get("top_logprobs"),
        "grammar": grammar,
        "adapter_id": None if model == "tgi" else model,
    }


def _completion(chat: Chat, planned: Plan, message: dict[str, Any], engine: Engine) -> dict[str, Any]:
    logprobs = None
    if chat.get("logprobs"):
        logprobs = {"content": [_logprob(token, planned.top_n) for token in planned.tokens]}
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish_word(planned.finish)}
    return {"object": "chat.completion", **head(chat, engine), "choices": [choice], "usage": usage(planned)}


async def _events(chat: Chat, job: Job, speech: ToolSpeech | None, engine: Engine) -> AsyncGenerator[bytes, None]:
    """Nothing that goes wrong from here on has a status any more."""
    try:
        if speech is not None and speech.name == NO_TOOL:
            await engine.whole(job)  # the answer that says "no tool" is made first, and thrown away
            job, speech = job_of({**chat, "tools": None})
        call = None if speech is None else ToolStream(_next_call_id(chat["messages"]))
        async with contextlib.aclosing(engine.stream(job)) as made:
            async for planned, token in made:
                choice = _choice(chat, planned, token) if call is None else call.push(token)
                if choice is not None:
                    yield event(_chunk(chat, engine, [choice], None))
                if token.finish is not None and (chat.get("stream_options") or {}).get("include_usage"):
                    yield event(_chunk(chat, engine, [], usage(planned)))
    except TgiError as error:
        yield error_event(error)
    yield DONE


def _choice(chat: Chat, planned: Plan, token: Token) -> dict[str, Any]:
    logprobs = {"content": [_logprob(token, planned.top_n)]} if chat.get("logprobs") else None
    finish = None if token.finish is None else finish_word(token.finish)
    delta = {"role": "assistant", "content": "" if token.is_special else token.text}
    return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _chunk(chat: Chat, engine: Engine, choices: list[Any], reported: dict[str, int] | None) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", **head(chat, engine), "choices": choices, "usage": reported}


def error_event(error: TgiError) -> bytes:
    """The status in it is always the same, whatever went wrong."""
    return event({"error": {"message": error.text, "http_status_code": 422}})


def head(request: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    """The fields every OpenAI-like answer begins with; the id is empty."""
    model = request.get("model")
    return {
        "id": "",
        "created": int(time.time()),
        "model": engine.settings.model_id if model in (None, "tgi") else model,
        "system_fingerprint": fingerprint(engine),
    }


def fingerprint(engine: Engine) -> str:
    return f"{engine.settings.version}-{engine.settings.docker_label or 'native'}"


def finish_word(reason: str) -> str:
    """`eos_token` is told as `stop`; `stop_sequence` is not."""
    return "stop" if reason == "eos_token" else reason


def usage(planned: Plan) -> dict[str, int]:
    prompt, completion = planned.input_tokens, len(planned.tokens)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _logprob(token: Token, top_n: int) -> dict[str, Any]:
    top = [{"token": each["text"], "logprob": each["logprob"]} for each in top_tokens(token, top_n)]
    return {"token": token.text, "logprob": token.as_wire()["logprob"], "top_logprobs": top}


def _next_call_id(messages: list[dict[str, Any]]) -> str:
    """One more than the highest number among earlier ids; a UUID where an id is no number."""
    earlier = [call["id"] for each in messages if each.get("content") is None for call in each.get("tool_calls") or []]
    if not all(identity.isdecimal() for identity in earlier):
        return str(uuid.uuid4())
    return str(max((int(identity) + 1 for identity in earlier), default=0))
