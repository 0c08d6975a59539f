"""Running simulators, a plain HTTP client to ask them with, and OpenAI's own."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from asking import Asking
from openai import AsyncOpenAI

from gateway.simulators.openai import OpenAISettings, openai_app
from gateway.simulators.server import Simulator, serve
from gateway.simulators.tgi import TgiSettings, tgi_app


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def tgi_settings(request: pytest.FixtureRequest) -> TgiSettings:
    """Other settings by `@pytest.mark.parametrize("tgi_settings", [...])`."""
    return TgiSettings()


@pytest.fixture
def openai_settings() -> OpenAISettings:
    return OpenAISettings()


@pytest.fixture
async def gpu(tgi_settings: TgiSettings) -> AsyncIterator[Simulator]:
    async with serve(tgi_app(tgi_settings)) as running:
        yield running


@pytest.fixture
async def api(openai_settings: OpenAISettings) -> AsyncIterator[Simulator]:
    async with serve(openai_app(openai_settings)) as running:
        yield running


@pytest.fixture
def tgi(gpu: Simulator, http: aiohttp.ClientSession) -> Asking:
    return Asking(gpu, http)


@pytest.fixture
def account(api: Simulator, http: aiohttp.ClientSession) -> Asking:
    return Asking(api, http)


@pytest.fixture
async def client(api: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=api.url + "/v1", api_key="any", max_retries=0) as opened:
        yield opened


@pytest.fixture(params=["tgi", "openai"])
async def either(request: pytest.FixtureRequest, http: aiohttp.ClientSession) -> AsyncIterator[Asking]:
    """What both do alike."""
    app = tgi_app() if request.param == "tgi" else openai_app()
    async with serve(app) as running:
        yield Asking(running, http)
