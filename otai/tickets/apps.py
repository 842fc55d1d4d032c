from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "otai.tickets"
    label = "tickets"
