from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "otai.web"
    label = "web"
    verbose_name = "Studio"
