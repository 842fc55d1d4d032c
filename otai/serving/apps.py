from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "otai.serving"
    label = "serving"
