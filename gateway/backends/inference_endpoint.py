"""A Hugging Face Inference Endpoint by name: where it is, whether it sleeps, and how it is woken."""

import asyncio
from typing import Any, NamedTuple

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, InferenceEndpointError

_ASLEEP = "scaledToZero"


class Sighting(NamedTuple):
    """Its root URL while it runs; else the reason why there is none."""

    url: str | None
    reason: str = ""
    is_asleep: bool = False


class InferenceEndpoint:
    """One endpoint, looked up through the Hub's API. `name` is `namespace/name`; calls go to a thread and never raise."""

    def __init__(self, name: str, token: str | None) -> None:
        self._namespace, _, self._name = name.partition("/")
        self._token = token

    async def look(self) -> Sighting:
        return await asyncio.to_thread(self._look)

    async def resume(self) -> Sighting:
        """Wake it; it takes minutes until it runs. One that somebody paused is left alone."""
        return await asyncio.to_thread(self._resume)

    def _look(self) -> Sighting:
        try:
            return _sighting(self._found())
        except (HfHubHTTPError, InferenceEndpointError, OSError, ValueError) as error:
            return Sighting(None, f"its Inference Endpoint could not be looked up: {type(error).__name__}")

    def _resume(self) -> Sighting:
        try:
            self._found().resume()
        except (HfHubHTTPError, InferenceEndpointError, OSError, ValueError) as error:
            return Sighting(None, f"its Inference Endpoint could not be woken: {type(error).__name__}", is_asleep=True)
        return Sighting(None, "its Inference Endpoint was scaled to zero and is waking up")

    def _found(self) -> Any:
        return huggingface_hub.get_inference_endpoint(self._name, namespace=self._namespace, token=self._token or False)


def _sighting(endpoint: Any) -> Sighting:
    status = str(getattr(endpoint.status, "value", endpoint.status))
    if status == "running" and endpoint.url:
        return Sighting(endpoint.url.rstrip("/"))
    return Sighting(None, f"its Inference Endpoint is {status}", is_asleep=status == _ASLEEP)
