"""All that changes something here, by noun. Messages are sent between transactions, never inside one."""

from otai.outbound.operations.collecting import collect
from otai.outbound.operations.delivering import deliver_due, forget_old
from otai.outbound.operations.endpoints import (
    EndpointMade,
    InvalidEndpoint,
    TooManyEndpoints,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    replay,
    rotate_secret,
    send_test,
)

__all__ = [
    "EndpointMade",
    "InvalidEndpoint",
    "TooManyEndpoints",
    "change_endpoint",
    "collect",
    "create_endpoint",
    "delete_endpoint",
    "deliver_due",
    "forget_old",
    "replay",
    "rotate_secret",
    "send_test",
]
