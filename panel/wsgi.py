"""The panel as a WSGI application, for gunicorn."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

application = get_wsgi_application()

# Loaded now, and not by the first visitor: what `gunicorn --preload` forks then shares it. The
# collector leaves it alone, for it writes into what it looks at.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
