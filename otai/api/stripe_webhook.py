"""Where Stripe tells us its news: `POST /webhooks/stripe`. Only translates; the inbox in billing decides."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from otai.billing.operations import webhooks
from otai.db import utc_now
from otai.errors import Invalid, NotAllowed, OtaiError, Unavailable
from otai.front.bounds import news_bytes


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 once the event is stored, however handling it went: the sweep tries again. 400 for a forged one, 503 while
    not set up."""
    try:
        if request.META.get("otai.front.refused") or len(request.body) > news_bytes:
            return JsonResponse({"code": "too_large"}, status=413)
        stored = webhooks.receive(gateway="stripe", body=request.body, headers=request.headers, now=utc_now())
    except (NotAllowed, Invalid, Unavailable) as error:
        return _refused(error)
    return JsonResponse({"event": stored.event_id, "state": stored.state})


def _refused(error: OtaiError) -> JsonResponse:
    status = 503 if isinstance(error, Unavailable) else 404 if isinstance(error, Invalid) else 400
    return JsonResponse({"code": error.code, "message": error.message}, status=status)
