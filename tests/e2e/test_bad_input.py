"""Bad input: each gets a clear error in the client's own format, and the gateway goes on."""

import io
import json
from typing import Any

import aiohttp
import pytest
from house import LOCAL_FIRST, ZONES_AND_BACKENDS, House

JSON = {"content-type": "application/json"}
CHAT = "/v1/chat/completions"
GOOD = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}]}


async def post(house: House, path: str, data: bytes, **headers: str) -> tuple[int, Any, Any]:
    async with house.http.post(path, data=data, headers={**JSON, **headers}) as got:
        return got.status, json.loads(await got.read()), got.headers


BODIES = {
    "not JSON": (b"hello", 400, "invalid_json"),
    "nothing": (b"", 400, "invalid_json"),
    "cut short": (b'{"model": "auto", "messages": [', 400, "invalid_json"),
    "two documents": (b"{}{}", 400, "invalid_json"),
    "not an object": (b"[1, 2]", 400, None),
    "invalid UTF-8": (b'{"model": "auto", "messages": [{"role": "user", "content": "\xff\xfe"}]}', 400, None),
    "a lone surrogate": (b'{"model": "auto", "messages": [{"role": "user", "content": "\\ud800"}]}', 400, None),
    "10,000 deep": (b'{"model":"auto","messages":[],"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, None),
    "10,000 deep objects": (
        b'{"model":"auto","messages":[],"x":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
        400,
        None,
    ),
    "model of the wrong type": (b'{"model": 7, "messages": []}', 400, None),
    "messages of the wrong type": (b'{"model": "auto", "messages": "hi"}', 400, None),
    "no messages": (b'{"model": "auto"}', 400, None),
    "a message that is no object": (b'{"model": "auto", "messages": ["hi"]}', 400, None),
    "stream of the wrong type": (b'{"model": "auto", "stream": "yes", "messages": []}', 400, None),
    "max_tokens of the wrong type": (b'{"model": "auto", "max_tokens": "many", "messages": []}', 400, None),
    "a key twice": (b'{"model": "auto", "model": "frontier", "messages": []}', 400, "duplicate_key"),
    "an unknown model": (
        b'{"model": "gpt-4-tubro", "messages": [{"role":"user","content":"x"}]}',
        404,
        "model_not_found",
    ),
}


@pytest.mark.parametrize("what", list(BODIES))
async def test_a_bad_body_is_told_in_openais_format(house: House, what: str) -> None:
    data, status, code = BODIES[what]
    got, answer, headers = await post(house, CHAT, data)
    assert got == status, answer
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert code is None or answer["error"]["code"] == code
    assert headers["x-request-id"].startswith("req_")
    assert house.sent_to(house.gpu) == house.sent_to(house.api) == []
    assert (await house.chat("Say hello")).choices[0].message.content


@pytest.mark.parametrize("path", ["/", "/generate", "/generate_stream", "/tokenize"])
@pytest.mark.parametrize("data", [b"hello", b'{"inputs": 7}', b"{}", b'{"inputs": "x", "parameters": []}'])
async def test_a_bad_body_is_told_in_tgis_format(house: House, path: str, data: bytes) -> None:
    status, answer, _ = await post(house, path, data)
    assert status in {400, 422}
    assert set(answer) == {"error", "error_type"}


async def test_what_is_turned_away_is_counted(house: House) -> None:
    for _ in range(2):
        await post(house, CHAT, BODIES["not JSON"][0])
    async with house.http.get("/metrics") as got:
        assert 'gateway_turned_away_total{code="invalid_json"} 2.0' in await got.text()
    assert await house.records() == []


async def test_an_unknown_model_is_told_with_a_suggestion(house: House) -> None:
    _, answer, _ = await post(house, CHAT, BODIES["an unknown model"][0])
    assert "gpt-4-turbo" in answer["error"]["message"]


async def test_a_hundred_megabytes_are_refused_before_they_are_read(house: House) -> None:
    async with house.http.post(CHAT, data=io.BytesIO(b" " * 100_000_000), headers=JSON) as got:
        answer = await got.json()
    assert got.status == 413
    assert answer["error"]["code"] == "request_too_large"


async def test_a_hundred_megabytes_without_a_length_are_refused(house: House) -> None:
    async def pieces():
        for _ in range(100):
            yield b" " * 1_000_000

    try:
        async with house.http.post(CHAT, data=pieces(), headers=JSON) as got:
            assert got.status == 413
    except aiohttp.ClientOSError:
        pass  # the gateway had closed the door while we were still pushing
    assert house.sent_to(house.gpu) == []
    assert (await house.chat("Say hello")).choices[0].message.content


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("POST", "/nowhere"), ("DELETE", "/generate"), ("POST", "/v1")]
)
async def test_an_unknown_path_is_told_in_openais_format(house: House, method: str, path: str) -> None:
    async with house.http.request(method, path) as got:
        answer = await got.json()
    assert got.status in {404, 405}
    assert set(answer["error"]) == {"message", "type", "param", "code"}


async def test_an_unknown_route_without_a_backend_is_a_404(a_house) -> None:
    house: House = await a_house(LOCAL_FIRST.replace("unknown_routes: frontier\n", ""))
    status, answer, _ = await post(house, "/v1/future", b"{}")
    assert status == 404
    assert answer["error"]["code"] == "unknown_url"


async def test_a_websocket_is_refused_clearly(house: House) -> None:
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": "x" * 22 + "==",
        "sec-websocket-version": "13",
    }
    async with house.http.get("/v1/realtime?model=gpt-5.5", headers=upgrade) as got:
        assert got.status == 404
        assert "websocket" in (await got.json())["error"]["message"]


KEYED = ZONES_AND_BACKENDS + "callers: {shop: {key: '${SHOP_KEY}', team: web}}\notherwise: {route: [local]}\n"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic c2hvcA=="}, {"api-key": ""}]
)
async def test_a_missing_or_wrong_key_is_refused(a_house, headers: dict[str, str]) -> None:
    house: House = await a_house(KEYED, environment={"SHOP_KEY": "invented-shop-key"})
    status, answer, _ = await post(house, CHAT, json.dumps(GOOD).encode(), **headers)
    assert status == 401
    assert answer["error"]["code"] == "invalid_api_key"
    assert "wrong" not in answer["error"]["message"]
    async with house.http.get("/v1/models") as got:
        assert got.status == 401


@pytest.mark.parametrize("name", ["authorization", "api-key", "x-api-key"])
async def test_a_known_key_names_the_caller(a_house, name: str) -> None:
    house: House = await a_house(KEYED, environment={"SHOP_KEY": "invented-shop-key"})
    key = "Bearer invented-shop-key" if name == "authorization" else "invented-shop-key"
    status, _, _ = await post(house, CHAT, json.dumps(GOOD).encode(), **{name: key})
    assert status == 200
    (record,) = await house.records()
    assert (record.caller.id, record.caller.team) == ("shop", "web")


async def test_an_unreachable_backend_at_start_is_served_around_and_reported(a_house) -> None:
    house: House = await a_house(environment={"TGI_URL": "http://127.0.0.1:9"})
    answer = await house.chat_raw("Say hello")
    assert answer.headers["x-gateway-backend"] == "frontier"
    async with house.http.get("/readyz") as got:
        report = await got.json()
    down = [row for row in report["backends"] if row["backend"] == "local"]
    assert report["ready"]
    assert not down[0]["up"]
    assert down[0]["reason"]
