from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig

if TYPE_CHECKING:
    from otai.billing.asked_above import Unexplained


class RunsConfig(AppConfig):
    name = "otai.runs"
    label = "runs"

    def ready(self) -> None:
        """The desk's "give the credits back" goes by the runs' own rule where a hold is a run's, and billing's audit
        asks here for what runs, limits and guarantees explain. Quotas know how much there is."""
        from otai.billing.asked_above import causes_above, refund_rules
        from otai.runs.quotas import register

        if _refund_of_hold not in refund_rules:
            refund_rules.append(_refund_of_hold)
        if _unexplained not in causes_above:
            causes_above.append(_unexplained)
        register()


def _refund_of_hold(**what: Any) -> bool:
    # Loads all that a run can do, so only when it is asked.
    from otai.runs.operations.corrections import refund_of_hold

    return refund_of_hold(**what)


def _unexplained() -> Iterator[Unexplained]:
    from otai.runs.causes import unexplained

    return unexplained()
