from __future__ import annotations

from django.db.models import QuerySet

from otai.errors import Invalid, NotFound
from otai.orgs.models import Organisation


class OrganisationNotNamed(Invalid):
    code = "organisation_not_named"


def organisation(slug: str) -> Organisation:
    """Raises NotFound."""
    try:
        return Organisation.objects.get(slug=slug)
    except Organisation.DoesNotExist:
        raise NotFound(
            f"There is no organisation {slug!r}. `otai org list` shows those that exist.", slug=slug
        ) from None


def the_only_organisation() -> Organisation:
    """The organisation of an installation that has just one; raises OrganisationNotNamed when a name is needed to choose."""
    found = list(Organisation.objects.order_by("slug")[:2])
    if not found:
        raise NotFound("There is no organisation yet. Create one: otai org create acme --name 'Acme Ltd'.")
    if len(found) > 1:
        raise OrganisationNotNamed("There is more than one organisation. Say which: --org acme.")
    return found[0]


def organisations() -> QuerySet[Organisation]:
    return Organisation.objects.order_by("slug")
