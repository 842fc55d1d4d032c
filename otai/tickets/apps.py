from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "otai.tickets"
    label = "tickets"

    def ready(self) -> None:
        """Quotas know how much there is."""
        from otai.tickets.quotas import register

        register()
