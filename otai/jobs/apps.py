from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "otai.jobs"
    label = "jobs"
