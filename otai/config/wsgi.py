"""WSGI entry point for the pages."""

import os

from django.core.wsgi import get_wsgi_application

from otai.config.start import settle_in

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
application = get_wsgi_application()
settle_in()
