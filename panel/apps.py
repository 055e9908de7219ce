"""The web side as a Django application."""

from django.apps import AppConfig


class PanelConfig(AppConfig):
    name = "panel"
