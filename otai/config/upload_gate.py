"""Who sends a file is asked for before the file is read: the front sends the request without its body through here
first."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from otai.api.access import caller_of
from otai.api.problems import NotSignedIn, answer, of_exception
from otai.errors import OtaiError
from otai.front.limits import ServerLimits
from otai.orgs import queries
from otai.orgs.concurrency_limits import ORGANISATION, TakenUp, shared
from otai.web.access import to_sign_in


class AskedFirst:
    """204 for somebody whom we know, with the organisation that the file counts for in a header that the front keeps
    to itself and the place that it takes; or the refusal of the door. What they may do is decided once the file is
    there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.META.get("otai.front.asks_who"):
            return self.get_response(request)
        if "Authorization" in request.headers and request.path.startswith("/api/"):
            try:
                caller = caller_of(request)
            except OtaiError as refused:
                return of_exception(request, refused)
            return _known(f"organisation {caller.organisation.pk}")
        if request.user.is_authenticated:
            return _known(_uploader(request))
        if request.path.startswith("/api/"):
            return answer(NotSignedIn("nobody"))
        return to_sign_in(request)


def _known(uploader: str) -> HttpResponse:
    """204 with the place that the file takes, counted over all processes; or with the word that the organisation has
    enough files on their way, and the front refuses this one."""
    answer = HttpResponse(status=204, headers={"Otai-Uploader": uploader})
    try:
        place = shared.take("upload", of=uploader, limits={ORGANISATION: ServerLimits().uploads_each})
    except TakenUp:
        answer["Otai-Uploads-Full"] = "1"
        return answer
    answer.handed_over_to = place  # type: ignore[attr-defined]
    return answer


def _uploader(request: HttpRequest) -> str:
    """Of a browser: the organisation in the address, or that of its call; the person where there is none of theirs."""
    assert request.user.is_authenticated
    try:
        if request.path.startswith("/api/"):
            return f"organisation {caller_of(request).organisation.pk}"
        return f"organisation {queries.member(request.user, request.path.split('/')[1]).organisation.pk}"
    except OtaiError:
        return f"user {request.user.pk}"
