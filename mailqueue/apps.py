"""The ledger as a Django application."""

from django.apps import AppConfig


class MailqueueConfig(AppConfig):
    name = "mailqueue"
