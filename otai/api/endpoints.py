"""How an endpoint is declared: `@noun.get("/runs", Action.VIEW, RunPage)`. What every endpoint has in common is said
here, once.

The first sentence of the view's docstring is the endpoint's summary, the rest its description. `example` is a whole
answer, `body_example` a whole request; both are shown in the documentation and checked against their schemas by a test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import wraps
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Router
from ninja.params.models import BodyModel

from otai.api.access import Access
from otai.api.problems import MediaTypeUnsupported, MethodNotAllowed, NotAcceptable, answer, of_exception
from otai.orgs.permissions import SCOPE_ACTIONS, Action

View = Callable[..., Any]


def opening_scopes(action: Action) -> list[str]:
    """The scopes of which each opens the action."""
    return [scope.value for scope, actions in SCOPE_ACTIONS.items() if action in actions]


class Noun(Router):
    """The endpoints of one noun; its `tag` groups them in the documentation. A part of a noun has none of its own."""

    access: ClassVar[Callable[..., Any]] = Access
    scopes: ClassVar[Callable[[Any], list[str]]] = opening_scopes
    """Who is let in by what an endpoint needs, and which scopes of a key that takes."""

    def __init__(self, tag: str | None = None) -> None:
        super().__init__(tags=[tag] if tag else None)

    def endpoint(
        self,
        method: str,
        path: str,
        needs: StrEnum,
        response: Any = None,
        *,
        status: int = 200,
        example: Any = None,
        body_example: Any = None,
        produces: Sequence[str] = ("application/json",),
        body_content: dict[str, Any] | None = None,
        repeatable: bool | str = False,
        later: Any = None,
        errors: Sequence[int] = (),
        lessens: bool = False,
        asks_again: bool = False,
        options: Callable[[], dict[str, str]] | None = None,
    ) -> Callable[[View], View]:
        """`later`: what a 202 answers with, where the work may outlast the request. `repeatable`: takes an
        Idempotency-Key ("required": must have one). `errors`: statuses beyond those every endpoint has.
        `lessens`: takes access away, or something that can be made again, so that a signed-in person is not asked once
        more who they are; `asks_again`: sends something elsewhere, so that they are (decision 0674). `options`: the
        headers by which `OPTIONS` tells a protocol's programs what is spoken here; without, `OPTIONS` is refused."""

        def declare(view: View) -> View:
            summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
            asked = [name for name, is_so in (("lessens", lessens), ("asks_again", asks_again)) if is_so]
            extra: dict[str, Any] = {
                "x-otai": {
                    "action": needs.value,
                    "scopes": type(self).scopes(needs),
                    "produces": list(produces),
                    "errors": list(errors),
                    "status": status,
                    "example": example,
                    "body_example": body_example,
                    "repeatable": repeatable,
                    "may_come_later": later is not None,
                    "options": options,
                }
            }
            if body_content is not None:
                extra["requestBody"] = {"required": True, "content": body_content}
            self.add_api_operation(
                path,
                [method],
                view,
                auth=type(self).access(needs, **dict.fromkeys(asked, True)),
                response={status: response} if later is None else {status: response, 202: later},
                summary=" ".join(summary.split()).rstrip("."),
                description=description or None,
                operation_id=view.__name__,
                openapi_extra=extra,
            )
            return view

        return declare

    def get(self, path: str, needs: StrEnum, response: Any = None, **more: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An endpoint that reads. `needs` is the action that a key or member must be allowed; see `endpoint`."""
        return self.endpoint("GET", path, needs, response, **more)

    def post(self, path: str, needs: StrEnum, response: Any = None, **more: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An endpoint that makes or does something; see `endpoint`."""
        return self.endpoint("POST", path, needs, response, **more)

    def put(self, path: str, needs: StrEnum, response: Any = None, **more: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An endpoint that sets something as a whole; see `endpoint`."""
        return self.endpoint("PUT", path, needs, response, **more)

    def patch(self, path: str, needs: StrEnum, response: Any = None, **more: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An endpoint that changes parts of something; see `endpoint`."""
        return self.endpoint("PATCH", path, needs, response, **more)

    def delete(self, path: str, needs: StrEnum, response: Any = None, **more: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An endpoint that deletes something and answers 204; see `endpoint`."""
        return self.endpoint("DELETE", path, needs, response, status=204, **more)


def guarded(view: View, operations: Sequence[Any]) -> View:
    """The view with what HTTP asks of it before anybody is asked who they are: method, content type, acceptable
    answers."""
    by_method = {method: operation for operation in operations for method in operation.methods}
    allowed = sorted({*by_method, *(["HEAD"] if "GET" in by_method else [])})

    @wraps(view)
    def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = _refused_before(request, by_method, allowed)
        if response is None:
            try:
                response = view(request, *arguments, **named)
            except Exception as error:  # noqa: BLE001  what slipped past ninja's own handlers still gets our one form
                response = of_exception(request, error)
        rate = getattr(request, "otai_rate", None)
        if rate is not None:
            for name, value in rate.headers().items():
                response[name] = value
        response.setdefault("Cache-Control", "no-store")
        response.setdefault("X-Content-Type-Options", "nosniff")
        return response

    checked.csrf_exempt = True  # type: ignore[attr-defined]
    checked.api_operations = by_method  # type: ignore[attr-defined]
    return checked


def _refused_before(request: HttpRequest, operations: dict[str, Any], allowed: Sequence[str]) -> HttpResponse | None:
    method = request.method or ""
    if method == "HEAD" and "GET" in operations:
        # Answered as GET; the server leaves the body out.
        request.method = method = "GET"
    operation = operations.get(method)
    told = [one.openapi_extra["x-otai"]["options"] for one in operations.values()]
    if method == "OPTIONS" and (tells := next(filter(None, told), None)):
        return HttpResponse(status=204, headers={**tells(), "Allow": ", ".join([*allowed, method])})
    if operation is None:
        response = answer(MethodNotAllowed("method", method=method[:20], allowed=list(allowed)))
        response["Allow"] = ", ".join(allowed)
        return response
    said = operation.openapi_extra["x-otai"]
    if any(issubclass(model, BodyModel) for model in operation.models):
        given = (request.content_type or "").lower()
        if given != "application/json" and not given.endswith("+json"):
            return answer(MediaTypeUnsupported("type", given=given[:60]))
    if not _acceptable(request, said["produces"]):
        return answer(NotAcceptable("type", produces=said["produces"]))
    return None


def _acceptable(request: HttpRequest, produces: Sequence[str]) -> bool:
    if not request.headers.get("Accept", "").strip():
        return True
    # A refusal is JSON whatever the endpoint produces, so JSON is always welcome.
    return any(request.accepts(kind) for kind in (*produces, "application/json"))
