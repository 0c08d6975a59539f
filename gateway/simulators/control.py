"""The simulator's own routes, by which a load test or a person changes faults and reads the log from outside."""

import msgspec

from gateway.simulators.reply import Arrived, Whole, json_reply
from gateway.simulators.watch import Watch

CONTROL = "/_simulator/"


def control(arrived: Arrived, watch: Watch) -> Whole:
    """`GET|PUT /_simulator/faults`, `GET|DELETE /_simulator/log`, `GET|DELETE /_simulator/bill`."""
    match arrived.method, arrived.path.removeprefix(CONTROL):
        case "GET", "faults":
            return json_reply(watch.faults)
        case "PUT", "faults":
            return _change_faults(arrived.body, watch)
        case "GET", "log":
            return json_reply([seen.told() for seen in watch.log])
        case "DELETE", "log":
            watch.log.clear()
            return json_reply({})
        case "GET", "bill":
            return json_reply(watch.bill)
        case "DELETE", "bill":
            watch.bill.clear()
            return json_reply({})
        case method, name:
            return json_reply({"error": f"no `{method} {name}` here; there are faults, log and bill"}, 404)


def _change_faults(body: bytes, watch: Watch) -> Whole:
    try:
        watch.faults.change(body)
    except msgspec.DecodeError as error:
        return json_reply({"error": str(error)}, 400)
    return json_reply(watch.faults)
