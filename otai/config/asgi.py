"""ASGI entry point, for server-sent events beside the WSGI pages."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
application = get_asgi_application()
