"""A Hugging Face Inference Endpoint by name: where it is, whether it sleeps, and how it is woken."""

import asyncio
import importlib
from typing import Any, NamedTuple
from urllib.parse import urlsplit

API = "https://api.endpoints.huggingface.cloud/v2"
"""Where the Hub says how endpoints are: https://huggingface.co/docs/inference-endpoints/api_reference."""
PATIENCE_S = 10.0

_ASLEEP = "scaledToZero"
_LONGEST_STATUS = 40


class Sighting(NamedTuple):
    """Its root URL while it runs; else the reason why there is none."""

    url: str | None
    reason: str = ""
    is_asleep: bool = False


class InferenceEndpoint:
    """One endpoint, looked up through the Hub's API. `name` is `namespace/name`; calls go to a thread and never raise.

    `huggingface_hub` is loaded in that thread: 0.3 s and 36 MB, which only those pay who name an endpoint.
    """

    def __init__(self, name: str, token: str | None, api: str = API) -> None:
        self._namespace, _, self._name = name.partition("/")
        self._token = token
        self._url = f"{api}/endpoint/{name}"

    async def look(self) -> Sighting:
        return await asyncio.to_thread(self._look)

    async def resume(self) -> Sighting:
        """Wake it; it takes minutes until it runs. One that somebody paused is left alone."""
        return await asyncio.to_thread(self._resume)

    def _look(self) -> Sighting:
        try:
            return _sighting(self._ask("GET", self._url))
        except Exception as error:  # its HTTP library differs by version, and garbage in an answer raises anything
            return Sighting(None, f"its Inference Endpoint could not be looked up: {_reason(error)}")

    def _resume(self) -> Sighting:
        try:
            self._ask("POST", f"{self._url}/resume")
        except Exception as error:  # as above
            return Sighting(None, f"its Inference Endpoint could not be woken: {_reason(error)}", is_asleep=True)
        return Sighting(None, "its Inference Endpoint was scaled to zero and is waking up")

    def _ask(self, method: str, url: str) -> Any:
        """What `get_inference_endpoint` and its `resume` send, with an end to the waiting, and to any root."""
        hub = importlib.import_module("huggingface_hub")
        utils = importlib.import_module("huggingface_hub.utils")
        headers = utils.build_hf_headers(token=self._token or False)  # False: never a token that lies on this machine
        response = utils.get_session().request(method, url, headers=headers, timeout=PATIENCE_S)
        utils.hf_raise_for_status(response)
        return hub.InferenceEndpoint.from_raw(response.json(), self._namespace, token=self._token or False)


def _sighting(endpoint: Any) -> Sighting:
    status = endpoint.status
    if not isinstance(status, str) or not status.isalpha() or len(status) > _LONGEST_STATUS:
        return Sighting(None, "its Inference Endpoint is in a state that the Hub has no name for")
    if status == "running":
        if _is_root(endpoint.url):
            return Sighting(endpoint.url.rstrip("/"))
        return Sighting(None, "its Inference Endpoint is running, but the Hub tells no address of it")
    return Sighting(None, f"its Inference Endpoint is {status}", is_asleep=status == _ASLEEP)


def _is_root(url: Any) -> bool:
    """As strict as the policy is with `urls`, because the same is done with it."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    parts = urlsplit(url)
    is_bare = not (parts.query or parts.fragment or "@" in parts.netloc or parts.port == 0)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_bare


def _reason(error: Exception) -> str:
    """The Hub's status or the kind of trouble; an error's own words may quote more than an operator should see."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return type(error).__name__ if status is None else f"the Hub answered {status}"
