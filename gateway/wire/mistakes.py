"""What a client hears about a field that is not as it must be."""

from gateway.core.errors import GatewayError


def missing(field: str) -> GatewayError:
    """400: the request makes no sense without `field`."""
    return GatewayError(
        400, "missing_required_parameter", f"the request has no `{field}`; send it in the body", param=field
    )


def wrong_type(field: str, expected: str) -> GatewayError:
    """400: `field` holds something else than what `expected` says in words."""
    return GatewayError(400, "invalid_type", f"`{field}` must be {expected}", param=field)


def wrong_value(field: str, expected: str) -> GatewayError:
    """400: `field` is of the right type but out of range."""
    return GatewayError(400, "invalid_value", f"`{field}` must be {expected}", param=field)
