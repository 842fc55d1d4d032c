"""What a look at new tickets found, in the language of the page: made from the facts of its evidence.

An English page shows the sentences as they were written when it was found; another language makes its own from the same facts, and shows the
written one where a fact is missing that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from otai.serving.models import Advice, AdviceKind
from otai.web.formats import percent
from otai.web.refusals import reads_english

Evidence = Mapping[str, Any]


def title(one: Advice) -> str:
    """What was found, in one sentence or two."""
    if reads_english():
        return one.title
    try:
        return _title(one)
    except (KeyError, IndexError, TypeError):
        return one.title


def sentences(one: Advice) -> list[str]:
    """Each piece of evidence."""
    return [finding(item) for item in one.evidence if item.get("sentence")]


def finding(item: Evidence) -> str:
    """A piece of evidence. One of a kind that is not known here is said as it was written."""
    said = FINDINGS.get(str(item.get("kind")))
    if said is None or reads_english():
        return str(item["sentence"])
    try:
        return said(item)
    except (KeyError, TypeError):
        return str(item["sentence"])


def chart_title(one: Advice) -> str:
    written = str((one.chart or {}).get("title", ""))
    return str(CHARTS.get(written, written))


def point_label(label: str) -> str:
    """`queue: confidence` and `known words`; names of labels and attributes stay what they are."""
    if label == "known words":
        return str(MEASURES["unfamiliar"])
    name, colon, kind = label.rpartition(": ")
    return f"{name}: {MEASURES[kind]}" if colon and kind in MEASURES else label


CHARTS: Mapping[str, str | Promise] = {
    "Tickets of labels that the model does not know": gettext_lazy("Tickets of labels that the model does not know"),
    "Tickets that carry the new attribute": gettext_lazy("Tickets that carry the new attribute"),
    "Share of tickets by language": gettext_lazy("Share of tickets by language"),
    "At the training and in the last two weeks": gettext_lazy("At the training and in the last two weeks"),
}

MEASURES: Mapping[str, str | Promise] = {
    "confidence": gettext_lazy("confidence"),
    "accuracy": gettext_lazy("accuracy"),
    "unfamiliar": gettext_lazy("known words"),
}


def _title(one: Advice) -> str:
    found = one.evidence
    match AdviceKind(one.kind):
        case AdviceKind.LABELS_CHANGED | AdviceKind.LABELS_RENAMED:
            return " ".join(_labels(item) for item in found)
        case AdviceKind.NEW_ATTRIBUTE:
            return _("%(data_set)s has %(names)s, which the model does not predict.") % {
                "data_set": one.data_set or "",
                "names": _listed(item["attribute"] for item in found),
            }
        case AdviceKind.NEW_LANGUAGE:
            largest = max(found, key=lambda item: item["now"]["value"])
            return _("%(share)s of the new tickets are in a language that the model did not learn: %(language)s.") % {
                "share": percent(largest["now"]["value"]),
                "language": largest["language"],
            }
        case AdviceKind.DRIFT:
            words_too = any(item["kind"] == "words" and item["changed"] for item in found)
            first = finding(found[0])
            return f"{first} {_('The words of the tickets have changed as well.')}" if words_too else first


def _labels(item: Evidence) -> str:
    parts = [_("“%(old)s” is called “%(new)s” now") % {"old": old, "new": new} for old, new in item["renamed"].items()]
    parts += [
        _("“%(old)s” was split into %(parts)s") % {"old": old, "parts": _listed(new)}
        for old, new in item["split"].items()
    ]
    parts += [
        _("%(parts)s were joined into “%(new)s”") % {"new": new, "parts": _listed(old)}
        for new, old in item["joined"].items()
    ]
    if added := item["added"]:
        parts.append(ngettext("%(labels)s is new", "%(labels)s are new", len(added)) % {"labels": _listed(added)})
    if removed := item["removed"]:
        parts.append(ngettext("%(labels)s is gone", "%(labels)s are gone", len(removed)) % {"labels": _listed(removed)})
    return f"{item['attribute']}: {'; '.join(parts)}."


def _attribute(item: Evidence) -> str:
    return _("%(tickets)s tickets say their “%(attribute)s”, with %(labels)s labels.") % {
        "tickets": item["tickets"],
        "attribute": item["attribute"],
        "labels": item["labels"],
    }


def _language(item: Evidence) -> str:
    return _("%(now)s of the tickets are in “%(language)s”; of those learnt it were %(before)s.") % {
        **_shares(item),
        "language": item["language"],
    }


def _confidence(item: Evidence) -> str:
    return _("The model is %(now)s sure of %(attribute)s on average, %(before)s before.") % {
        **_shares(item),
        "attribute": item["attribute"],
    }


def _accuracy(item: Evidence) -> str:
    return _("People found %(now)s of %(tickets)s right in %(attribute)s; before it were %(before)s.") % {
        **_shares(item),
        "attribute": item["attribute"],
        "tickets": item["tickets"],
    }


def _unfamiliar(item: Evidence) -> str:
    return _("Of the words %(now)s are known from the training, %(before)s before.") % _shares(item)


def _words(item: Evidence) -> str:
    return _("The words have changed.") if item["changed"] else _("The words are those of the training.")


FINDINGS: Mapping[str, Callable[[Evidence], str]] = {
    "labels": _labels,
    "attribute": _attribute,
    "language": _language,
    "confidence": _confidence,
    "accuracy": _accuracy,
    "unfamiliar": _unfamiliar,
    "words": _words,
}


def _shares(item: Evidence) -> dict[str, str]:
    return {"now": percent(item["now"]["value"], 1), "before": percent(item["before"], 1)}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_("“%(name)s”") % {"name": name} for name in names)
