"""Names of companies, told by the legal form that they end in (Muster GmbH, Exempel S.A., Przykład sp. z o.o.): what
looks like a person's name and ends so is none."""

from __future__ import annotations

import re

_FORMS = (
    # Written in letters of any case, for no person is called so.
    r"(?i:g?gmbh|mbh|gmbh\s?&\s?co\.?(?:\s?kg)?|kgaa|gbr|ohg|ltd|limited|inc|incorporated|corp|corporation|llc|llp|plc|"
    r"s\.?a\.?r\.?l|s\.?a\.?s\.?u|eurl|s\.?r\.?l|srls|s\.?p\.?a|lda|ltda|sp\.?\s?z\s?o\.?\s?o|s\.?r\.?o|b\.v\.?b?\.?a?|"
    r"n\.v|s\.a|s\.l\.?u?|s\.n\.c|e\.v|e\.k|a\.s|v\.o\.f|p\.s\.a|d\.o\.o|gesmbh|aktiengesellschaft|genossenschaft|"
    r"sp\.\s?j|sp\.\s?k|oyj|aps|kft|zrt|pty|unipessoal)"
    # Two or three letters are a legal form in capitals alone.
    r"|AG|KG|SE|UG|EG|eG|SA|SAS|SARL|SRL|SPA|SL|SNC|BV|BVBA|NV|AB|AS|ASA|OY|Oy|VOF|EIRL|ME|SCI|CO"
)
COMPANY = re.compile(rf"(?<=[\s,])(?:{_FORMS})\.?(?=[\s,;/]|$)")
"""A legal form as a word of its own, behind another."""
COMPANY_BESIDE = rf"[ ]?[,|/·\u2013-][ ][^\n]{{2,60}}?[ ,](?-i:{_FORMS})\.?(?=[ ]*$)"
"""A company behind the name of who works there, in one line."""
COMPANY_LINE = rf"[^\n]{{2,60}}?[ ,](?-i:{_FORMS})\.?(?=[^\S\n]*\n)[^\S\n]*+\n\s*+"
"""A line that ends in one, between a greeting and the name of who greets."""


def is_company(name: str) -> bool:
    """Whether the words are a company's name: they end in a legal form."""
    return any(found.end() == len(name) for found in COMPANY.finditer(name))
