from django.apps import AppConfig


class OutboundConfig(AppConfig):
    name = "otai.outbound"
    label = "outbound"
