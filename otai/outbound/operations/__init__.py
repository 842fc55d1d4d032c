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
from otai.outbound.operations.telling import DIGEST, InvalidNotification, choose, mail_due, unsubscribe

__all__ = [
    "DIGEST",
    "EndpointMade",
    "InvalidEndpoint",
    "InvalidNotification",
    "TooManyEndpoints",
    "change_endpoint",
    "choose",
    "collect",
    "create_endpoint",
    "delete_endpoint",
    "deliver_due",
    "forget_old",
    "mail_due",
    "replay",
    "rotate_secret",
    "send_test",
    "unsubscribe",
]
