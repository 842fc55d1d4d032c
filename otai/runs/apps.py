from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "otai.runs"
    label = "runs"
