"""The wire as a Django application."""

from django.apps import AppConfig


class RelayConfig(AppConfig):
    name = "relay"
