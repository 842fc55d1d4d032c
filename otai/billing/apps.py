from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "otai.billing"
    label = "billing"
    verbose_name = "Billing"
