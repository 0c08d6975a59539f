"""OpenAI's errors: four keys each, with the codes and types its clients decide by."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gateway.simulators.reply import Headers, Whole


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        type: str = "invalid_request_error",
        param: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": type, "param": param, "code": code}
        self.headers = headers

    def reply(self) -> Whole:
        return pretty({"error": self.error}, self.status, self.headers)


def pretty(document: object, status: int = 200, headers: Headers = ()) -> Whole:
    """JSON as OpenAI writes what is not streamed: indented."""
    return Whole(status, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n", headers=headers)


class Outage(NamedTuple):
    """What the service says with a status when it fails as a whole."""

    message: str
    type: str
    code: str | None
    headers: Headers = ()


RETRY: Headers = ((b"retry-after", b"1"), (b"retry-after-ms", b"1000"))

OUTAGES: Mapping[int, Outage] = {
    400: Outage("The request could not be understood.", "invalid_request_error", None),
    401: Outage("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    403: Outage("This project may not use that model.", "invalid_request_error", "model_access_denied"),
    429: Outage("Rate limit reached for requests; please try again in 1s.", "requests", "rate_limit_exceeded", RETRY),
    500: Outage("The server had an error while processing your request.", "server_error", None),
    503: Outage("The engine is overloaded.", "service_unavailable_error", "server_is_overloaded", RETRY),
}


def outage(status: int) -> Refusal:
    told = OUTAGES.get(status, OUTAGES[500])
    return Refusal(status, told.message, type=told.type, code=told.code, headers=told.headers)


def out_of_quota() -> Refusal:
    message = "You exceeded your current quota; check your plan and billing details."
    return Refusal(429, message, type="insufficient_quota", code="insufficient_quota")


def unknown_model(name: str) -> Refusal:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Refusal(404, message, code="model_not_found")


def missing(name: str) -> Refusal:
    message = f"Missing required parameter: '{name}'."
    return Refusal(400, message, param=name, code="missing_required_parameter")


PAGE = Whole(
    520,
    b'<!DOCTYPE html>\n<html lang="en-US">\n<head><title>api.openai.com | 520: Web server is returning an unknown '
    b"error</title></head>\n<body><h1>Error code 520</h1><p>Cloudflare</p></body>\n</html>\n",
    b"text/html; charset=UTF-8",
    ((b"server", b"cloudflare"), (b"cf-ray", b"8c0ffee0c0ffee00-FRA")),
)
