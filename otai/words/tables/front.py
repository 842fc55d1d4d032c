"""What is refused before a page or an address is asked: a body that does not arrive, and more than can be served."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "body_too_slow.arriving": said(
        "Of this request's body {arrived_bytes:n} bytes arrived in {seconds:n} seconds. It may be silent for "
        "{silent_seconds:n} seconds and has to arrive at {least_rate:n} bytes a second, within {most_seconds:n} "
        "seconds.",
        page="Your connection was too slow or broke off. Send it again.",
    ),
    "disk_full.body": said("There is no room for this at this moment.", page="Try again in a while."),
    "disk_full.file": said("There is no room for a file of this size at this moment.", page="Try again in a while."),
    "overloaded.waiting": said("As many requests wait already as may ({most:n}).", page="Try again in a few seconds."),
    "too_many_bodies.from_here": said(
        "As many requests from your network are being read as may be at once ({most:n}).",
        page="Try again in a few seconds.",
    ),
    "too_many_bodies.together": said(
        "Too much is being sent to us at this moment.", page="Try again in a few seconds."
    ),
    "too_many_pages.address": said(
        "From your network address more pages were asked for within a minute than may be ({most:n}).",
        page="Wait until the minute is over. Whoever runs this Studio can allow more.",
    ),
    "too_many_pages.costly": said(
        "You searched or downloaded more often within a minute than may be ({most:n}).",
        page="Wait until the minute is over, or let a program fetch them with an API key. Whoever runs this Studio can "
        "allow more.",
    ),
    "too_many_pages.person": said(
        "You asked for more pages within a minute than may be ({most:n}).",
        page="Wait until the minute is over. Whoever runs this Studio can allow more.",
    ),
    "too_many_uploads.together": said(
        "As many files are being uploaded as may be at once ({most:n}).", page="Try again in a while."
    ),
    "too_many_uploads_of_one.organisation": said(
        "As many files of your organisation are being uploaded as may be at once ({most:n}).",
        page="Wait until one of them is here, and send yours again.",
        api="Whoever runs the Studio can allow more (OTAI_UPLOADS_PER_ORGANISATION).",
    ),
}
