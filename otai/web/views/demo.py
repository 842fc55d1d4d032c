"""Pages that only a demo has: signing in by its link, and the bank transfer that arrives at once. See
`otai/web/demo.py`."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from otai.billing import operations as billing
from otai.billing import queries
from otai.db import new_id, utc_now
from otai.orgs.models import User
from otai.orgs.permissions import Action
from otai.units import Money
from otai.web.access import MemberRequest, local_path, page
from otai.web.demo import ALICE, require_demo, use_link


@require_safe
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Signs the demo's Alice in by a link that is good once; 404 otherwise."""
    require_demo(request)
    alice = User.objects.filter(email=ALICE).first()
    if alice is None or not use_link(token):
        raise Http404
    login(request, alice, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect("web:front_door")


@require_POST
@page(Action.BUY)
def transfer_arrives(request: MemberRequest, reference: str) -> HttpResponse:
    """What an operator does when the bank statement shows the money."""
    require_demo(request)
    purchase = queries.purchase(request.organisation, reference)
    billing.confirm_payment(
        reference=purchase.reference,
        received=Money(purchase.gross_cents - purchase.paid_cents, purchase.currency),
        bank_reference=f"demo {new_id()}",
        who="demo",
        why="The demo's bank transfer",
        now=utc_now(),
    )
    messages.success(request, _("The transfer arrived, and the credits with it."))
    back = local_path(request, request.POST.get("back", ""))
    here = reverse("web:purchase", args=[request.organisation.slug, purchase.reference])
    return redirect(here + (f"?{urlencode({'back': back})}" if back else ""))
