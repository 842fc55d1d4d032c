"""VIES, the Commission's service that says whether a VAT id is in use: its REST interface. Asked only where `OTAI_VIES`
names its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from otai.billing.seller import seller
from otai.errors import Unavailable

seconds_to_answer = 20


class ViesUnavailable(Unavailable):
    """VIES or the member state behind it does not answer now; it often does not."""

    code = "vies_unavailable"


@dataclass(frozen=True, slots=True)
class ViesAnswer:
    """`consultation_number` is given where the seller named its own VAT id; `raw` is the whole answer."""

    is_valid: bool
    consultation_number: str
    raw: dict[str, Any]


def is_asked() -> bool:
    """Whether this installation asks VIES at all."""
    return bool(settings.OTAI_VIES)


def ask(vat_id: str) -> ViesAnswer:
    """Asks about a VAT id in compact form. Raises ViesUnavailable, also for an answer that says neither yes nor no."""
    # Every command would load it, for what few installations ask.
    import httpx

    asked = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
    if own := seller().vat_id:
        asked |= {"requesterMemberStateCode": own[:2], "requesterNumber": own[2:]}
    try:
        response = httpx.post(
            f"{settings.OTAI_VIES.rstrip('/')}/check-vat-number", json=asked, timeout=seconds_to_answer
        )
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ViesUnavailable("no_answer", error=type(error).__name__) from None
    if not isinstance(answer, dict) or not isinstance(answer.get("valid"), bool):
        raise ViesUnavailable("no_answer", error=_problem(answer) or f"HTTP {response.status_code}")
    return ViesAnswer(answer["valid"], str(answer.get("requestIdentifier") or "")[:100], answer)


def _problem(answer: Any) -> str:
    """MS_UNAVAILABLE and the like, as VIES names them."""
    wrappers = answer.get("errorWrappers") if isinstance(answer, dict) else None
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else {}
    return str(first.get("error", ""))[:60] if isinstance(first, dict) else ""
