#!/usr/bin/env python3
"""Run a Facteur command; `manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # One line for whoever mistyped a setting; where it was read is of no use to them.
        sys.exit(f"Facteur cannot start: {error}")
