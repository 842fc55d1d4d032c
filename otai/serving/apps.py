from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "otai.serving"
    label = "serving"

    def ready(self) -> None:
        """Quotas know how much there is."""
        from otai.serving.quotas import register

        register()
