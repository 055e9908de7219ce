"""The web side as a Django application."""

from django.apps import AppConfig


class PanelConfig(AppConfig):
    name = "panel"

    def ready(self) -> None:
        # Models can be read only now.
        from panel import sign_ins

        sign_ins.connect()
