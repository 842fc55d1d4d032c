"""ASGI entry point: everything from one server and one origin. `otai studio` serves it; docs/decisions/0616 says why it
is built so."""

from __future__ import annotations

import os
from functools import partial

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from otai.config.addresses import client_address
from otai.config.pool import beside_pages, close_shared, share_connections
from otai.config.start import settle_in
from otai.front.application import Front, folder_for
from otai.front.limits import ServerLimits
from otai.front.probes import probes


def front() -> Front:
    """The front before Django, with what the rooms give it."""
    pages = get_wsgi_application()
    # Only now: they know tables, which Django has loaded by then.
    from otai.api import watching
    from otai.orgs.concurrency_limits import shared
    from otai.orgs.streams import Hub
    from otai.web.front_refusals import page_of

    limits = ServerLimits()
    asked = settings.OTAI_DATABASE_POOL_SIZE
    share_connections(most=limits.threads + beside_pages if asked is None else asked)

    def ending() -> None:
        shared.close()
        close_shared()

    answered = probes(
        ready=watching.database_answers,
        metrics=watching.metrics_text,
        metrics_token=os.environ.get("OTAI_METRICS_TOKEN", ""),
        seconds=limits.probe_seconds,
    )
    return Front(
        pages,
        streams=Hub(),
        probes=answered,
        limits=limits,
        folder=folder_for(settings.OTAI_HOME),
        address_of=partial(client_address, trusted_proxies=settings.OTAI_TRUSTED_PROXIES),
        page_of=page_of,
        ending=ending,
    )


def start_upkeep() -> None:
    """What the machine needs beside answers begins, once tables are known."""
    from otai.config.upkeep import Upkeep

    Upkeep().start()


application = front()
settle_in()
start_upkeep()
