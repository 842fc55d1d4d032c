"""ASGI entry point: everything from one server and one origin. `otai studio` serves it.

Pages go to Django's WSGI handler in a pool of threads, which is faster for them; a stream of events (`.../events`) goes to Django's ASGI
handler, since it would occupy a thread for as long as someone looks. In production a reverse proxy may send the two to two services.
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")

from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from otai.config.start import settle_in

threads = int(os.environ.get("OTAI_WEB_THREADS", "8"))

events = get_asgi_application()
pages = WSGIMiddleware(get_wsgi_application(), workers=threads)  # type: ignore[arg-type]
settle_in()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        # WSGI reads X_Forwarded_For as X-Forwarded-For, and a proxy replaces the second only. Nobody sends the first in earnest.
        scope = {**scope, "headers": [pair for pair in scope["headers"] if b"_" not in pair[0]]}
    if scope["type"] == "http" and scope["path"].endswith("/events") and scope["method"] in ("GET", "HEAD"):
        # Only what has no body: this handler would take one of any size before anybody looks at it.
        await events(scope, receive, send)
    elif scope["type"] == "http":

        async def received() -> Any:
            # Granian's `receive` is awaitable but no coroutine, and a2wsgi insists on one: without this no form arrives.
            return await receive()

        await pages(scope, received, send)
    elif scope["type"] == "lifespan":
        # Neither half has anything to do at the start or the end.
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
