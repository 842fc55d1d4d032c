from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "otai.orgs"
    label = "orgs"
    verbose_name = "Customers"
