"""Whose VAT an address falls under: member states' VAT territory is not their map. Pure.

For services by electronic means (Directive 2006/112/EC, articles 44, 58 and 59): what lies outside the territory of
articles 5 to 7 is taxed like a third country, whoever it belongs to, and Monaco is taxed like France.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TREATED_AS: Mapping[str, str] = MappingProxyType({"MC": "FR"})
"""Countries of ISO 3166 that count as a member state: Monaco as France (article 7, and the convention of 18 May 1963).
The sovereign bases on Cyprus count as Cyprus and have no code of their own. The Isle of Man counts as the United
Kingdom, which is none; and Northern Ireland counts as the Union for goods alone (protocol on Ireland, article 8)."""

OUTSIDE_BY_POSTCODE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "DE": MappingProxyType({"27498": "Heligoland", "78266": "Büsingen"}),
        "ES": MappingProxyType({"35": "Canary Islands", "38": "Canary Islands", "51": "Ceuta", "52": "Melilla"}),
        "FI": MappingProxyType({"22": "Åland"}),
        "FR": MappingProxyType({"97": "overseas departments and collectivities", "98": "overseas territories"}),
        "GR": MappingProxyType({"63086": "Mount Athos", "63087": "Mount Athos"}),
        "IT": MappingProxyType({"22061": "Campione d'Italia", "23041": "Livigno"}),
    }
)
"""Parts of member states that are outside (article 6), by how their postcodes begin, of five digits each. Åland (AX),
Guadeloupe (GP), French Guiana (GF), Martinique (MQ), Réunion (RE), Mayotte (YT), Saint-Martin (MF) and what belongs to
no Union at all (Greenland, the Channel Islands, San Marino, Andorra, the Vatican) have a code of ISO 3166 that is no
member state's; who writes the member state's code with their postcode is taxed alike. Monaco's postcodes begin with 980
and are within, also where France is written."""


def taxed_as(country: str, postcode: str = "") -> str:
    """The member state whose VAT an address falls under, by ISO 3166; another code, which is no member state's, where
    it falls under none: the country's own, or "" for the parts of a member state that are outside."""
    state = TREATED_AS.get(country, country)
    digits = "".join(sign for sign in postcode if sign.isdigit())
    if country == "FR" and digits.startswith("980"):
        return "FR"
    begins = OUTSIDE_BY_POSTCODE.get(country, {})
    if len(digits) == 5 and any(digits.startswith(one) for one in begins):
        return ""
    return state
