"""The order that labels have from low to high, told from their words in eight languages, or from the numbers that they
begin with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from otai.tickets.column_names import folded

_SCALES: tuple[str, ...] = (
    # Words from low to high; a slash parts forms of one step, so that two of them in one column are no order.
    "lowest | very low/verylow | low | minor | normal/standard | medium/med/mid | moderate | major | "
    "high/elevated/important | very high | urgent | critical | highest | blocker/blocking | emergency/immediate",
    "trivial | minor | normal | major | critical | blocker",
    "none | low | medium | high | critical",
    "planning | low | moderate | high | critical",
    "not urgent/no | somewhat urgent | urgent | very urgent",
    "bronze | silver | gold | platinum",
    "sehr niedrig/sehr gering/niedrigste/niedrigster | niedrig/niedrige/gering/geringe/klein/unwichtig | "
    "normal/normale/standard | mittel/mittlere/mäßig | erhöht/erhöhte | hoch/hohe/wichtig | sehr hoch/sehr hohe | "
    "dringend/eilig | kritisch/kritische | höchste/höchster | notfall/sofort/blocker",
    "la plus basse/la plus faible | très basse/très bas/très faible | basse/bas/faible/mineure/mineur | normale/normal/standard | "
    "moyenne/moyen/modérée/modéré | importante/important | majeure/majeur | haute/haut/élevée/élevé | très haute/très "
    "haut/très élevée/très élevé | urgente/urgent | critique | bloquante/bloquant | immédiate/immédiat | "
    "la plus haute/la plus élevée",
    "más baja/más bajo | muy baja/muy bajo | baja/bajo/menor | normal/estándar | media/medio/moderada/moderado | mayor | "
    "alta/alto/importante | muy alta/muy alto | urgente/urgentísimo/urgentísima | crítica/crítico | emergencia/inmediata/bloqueante | "
    "más alta/más alto",
    "più bassa/più basso | molto bassa/molto basso/bassissima | bassa/basso/minore | normale/standard | media/medio/moderata/moderato | "
    "maggiore | alta/alto/elevata/elevato | molto alta/molto alto/altissima | urgente/urgentissimo/urgentissima | critica/critico | "
    "bloccante/emergenza/immediata | più alta/più alto",
    "zeer laag/laagste | laag/lage/gering | normaal/normale/standaard | gemiddeld/gemiddelde/midden/middel/matig | "
    "hoog/hoge/belangrijk | zeer hoog | dringend/urgent/spoed | kritiek/kritisch/kritieke | hoogste/noodgeval/direct",
    "bardzo niski/bardzo niska/bardzo niskie/najniższy | niski/niska/niskie/drobny | "
    "normalny/normalna/normalne/zwykły/zwykła/standardowy | średni/średnia/średnie/umiarkowany | "
    "wysoki/wysoka/wysokie/ważny/ważna | bardzo wysoki/bardzo wysoka/bardzo wysokie | pilny/pilna/pilne | "
    "krytyczny/krytyczna/krytyczne | najwyższy/natychmiastowy/awaryjny",
    "mais baixa/mais baixo | muito baixa/muito baixo | baixa/baixo/menor | normal/padrão | média/médio/moderada/moderado | maior | "
    "alta/alto/elevada/elevado/importante | muito alta/muito alto | urgente | crítica/crítico | "
    "emergência/imediata/bloqueante | mais alta/mais alto",
    "p5 | p4 | p3 | p2 | p1 | p0",
    "s5 | s4 | s3 | s2 | s1 | s0",
    "sev e | sev d | sev c | sev b | sev a", "severity d | severity c | severity b | severity a",
    "prio d | prio c | prio b | prio a", "priorität d | priorität c | priorität b | priorität a",
)  # fmt: skip
_PLACES: tuple[dict[str, int], ...] = tuple(
    {folded(form): place for place, step in enumerate(scale.split("|")) for form in step.split("/")}
    for scale in _SCALES
)
_NUMBERING = re.compile(
    r"^\W*(?:priority|prio|severity|sev|level|stufe|p|s)?[\W_]*\d{1,2}[\W_]+(?=[^\W\d])|[\W_]+\d{1,2}\W*$|[\W_]+(?:p|s|prio|sev)\d\W*$"
)
"""What numbers a label in front of or behind its word."""
_URGENCY_CODE = re.compile(
    r"\W*(?:p|s|prio|priority|priorität|priorité|priorita|sev|severity)[\W_]*(\d{1,2})\b", re.IGNORECASE
)
"""P1, Prio 1, SEV1: the first is the most urgent everywhere."""
_BEGINS_WITH_NUMBER = re.compile(r"\s*(-?\d{1,3})(?:\b|$)")
MOST_LABELS_IN_ORDER = 25


OrderedLabels = Iterable[str]


def order_of(labels: OrderedLabels, *, first_is_highest: bool = False) -> tuple[str, ...]:
    """The labels from low to high if they all stand on a known scale, or all are whole numbers or begin with one; else
    empty. `first_is_highest`: of whole numbers alone, 1 is above 2 (`number_scales.py`)."""
    found = sorted({" ".join(label.split()) for label in labels if label.strip()})
    if not 2 <= len(found) <= MOST_LABELS_IN_ORDER:
        return ()
    # "1 - Critical", "4 - Low": where the words stand on a scale, they say which end of the numbers is the high one.
    for words in (found, [_NUMBERING.sub("", label.casefold()).strip() for label in found]):
        if order := _by_scale(dict(zip(found, words, strict=True))):
            return order
    codes = {label: -int(match[1]) for label in found if (match := _URGENCY_CODE.match(label))}
    numbers = {label: int(match[1]) for label in found if (match := _BEGINS_WITH_NUMBER.match(label))}
    for places, falls in ((codes, False), (numbers, first_is_highest)):
        if len(places) == len(found) and len(set(places.values())) == len(found):
            return tuple(sorted(found, key=places.__getitem__, reverse=falls))
    return ()


def sure_order_of(labels: OrderedLabels) -> tuple[str, ...]:
    """The order of labels that nothing but a scale of urgency has: its words (low, high, critical), or P1, P2, P3. For
    columns whose name says nothing."""
    listed = list(labels)
    is_sure = bool(listed) and all(_URGENCY_CODE.match(label) for label in listed)
    words = {" ".join(label.split()): _NUMBERING.sub("", label.casefold()).strip() for label in listed}
    return order_of(listed) if is_sure or (len(words) > 2 and _by_scale(words)) else ()


def falls(order: Sequence[str]) -> bool:
    """Whether an order is of numbers, or of what begins with one, from the greatest down."""
    numbers = [int(found[1]) for label in order if (found := _BEGINS_WITH_NUMBER.match(label))]
    return len(numbers) == len(order) > 1 and numbers == sorted(numbers, reverse=True)


def _by_scale(words: dict[str, str]) -> tuple[str, ...]:
    keys = {label: folded(word) for label, word in words.items()}
    for places in _PLACES:
        if all(key in places for key in keys.values()) and len({places[key] for key in keys.values()}) == len(keys):
            return tuple(sorted(keys, key=lambda label: places[keys[label]]))
    return ()
