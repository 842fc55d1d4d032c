from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "otai.runs"
    label = "runs"

    def ready(self) -> None:
        """The desk's "give the credits back" goes by the runs' own rule where a hold is a run's, and billing's audit
        asks here for what runs, limits and guarantees explain. Quotas know how much there is."""
        from otai.billing.audit import causes_above
        from otai.billing.operations.goodwill import refund_rules
        from otai.runs.causes import unexplained
        from otai.runs.operations.corrections import refund_of_hold
        from otai.runs.quotas import register

        if refund_of_hold not in refund_rules:
            refund_rules.append(refund_of_hold)
        if unexplained not in causes_above:
            causes_above.append(unexplained)
        register()
