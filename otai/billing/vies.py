"""VIES, the Commission's service that says whether a VAT id is in use: its REST interface. Asked only where `OTAI_VIES`
names its address."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from otai.billing.seller import seller
from otai.errors import Unavailable

seconds_to_answer = 20


class ViesUnavailable(Unavailable):
    """VIES or the member state behind it does not answer now; it often does not."""

    code = "vies_unavailable"


class ViesSilent(ViesUnavailable):
    """Nothing came at all, or not in time."""


@dataclass(frozen=True, slots=True)
class ViesAnswer:
    """`consultation_number` is given where the seller named its own VAT id; `raw` is the whole answer."""

    is_valid: bool
    consultation_number: str
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """Whose id it is; "" where the member state does not say (Germany, Spain)."""
        return str(self.raw.get("name") or "").strip(" -")[:200]


def is_asked() -> bool:
    """Whether this installation asks VIES at all."""
    return bool(settings.OTAI_VIES)


def ask(vat_id: str) -> ViesAnswer:
    """Asks about a VAT id in compact form. Raises ViesSilent where nothing comes, and ViesUnavailable for an answer
    that says neither yes nor no."""
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
        # No text of a database holds a null or half a letter; the latter cannot be encoded.
        is_text = b"\\u0000" not in json.dumps(answer, ensure_ascii=False).encode()
    except httpx.TransportError as error:
        raise ViesSilent("no_answer", error=type(error).__name__) from None
    except (httpx.HTTPError, ValueError) as error:
        raise ViesUnavailable("no_answer", error=type(error).__name__) from None
    if not isinstance(answer, dict) or not isinstance(answer.get("valid"), bool) or not is_text:
        raise ViesUnavailable("no_answer", error=_problem(answer) or f"HTTP {response.status_code}")
    return ViesAnswer(answer["valid"], str(answer.get("requestIdentifier") or "")[:100], answer)


def _problem(answer: Any) -> str:
    """MS_UNAVAILABLE and the like, as VIES names them."""
    wrappers = answer.get("errorWrappers") if isinstance(answer, dict) else None
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else {}
    return str(first.get("error", ""))[:60] if isinstance(first, dict) else ""


LEGAL_FORMS = frozenset(
    (
        *("gmbh", "mbh", "haftungsbeschrankt", "ohg", "ltd", "limited", "plc", "llc", "inc", "company", "sarl"),
        *("eurl", "sas", "sasu", "srl", "srls", "spa", "sro", "spol", "doo", "kft", "zrt", "nyrt", "bvba", "sprl"),
        *("aps", "oyj", "sia", "uab", "ood", "eood", "and", "und", "the", "der", "die", "das", "les", "los", "dei"),
        *("del", "van", "von"),
    )
)
"""Words that companies have in common; shorter ones are left out anyhow."""


def is_another_name(one: str, other: str) -> bool:
    """Whether two names of companies have no word in common. False where it cannot be told: one has no word but its
    legal form, or is in another script."""
    left, right = _words(one), _words(other)
    if not (left and right):
        return False
    return not (set(left) & set(right) or "".join(left) in "".join(right) or "".join(right) in "".join(left))


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").casefold())
    written = re.split("[^a-z0-9]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    return [word for word in written if len(word) > 2 and word not in LEGAL_FORMS]
