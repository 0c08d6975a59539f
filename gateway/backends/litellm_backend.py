"""Every other provider, through litellm."""

from collections.abc import Mapping

from gateway.core.ports import Reply
from gateway.core.types import BackendSpec, BackendState, Envelope, Route, Sensitivity


class LiteLLMBackend:
    def __init__(self, spec: BackendSpec) -> None:
        self.spec = spec
        self.state = BackendState(is_up=True)

    async def send(self, envelope: Envelope, route: Route, sensitivity: Sensitivity) -> Reply:
        raise NotImplementedError

    def rows(self) -> list[dict[str, object]]:
        return []

    def busy(self) -> Mapping[str, int]:
        return {}

    def open(self) -> None: ...
    def refresh(self) -> None: ...
    async def aclose(self) -> None: ...
