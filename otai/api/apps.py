from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "otai.api"
    label = "api"
