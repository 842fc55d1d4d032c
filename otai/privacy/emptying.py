"""What is taken from an organisation whose grace is over, and what stays of it: figures, books, and numbers for
persons."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Q

from otai.billing.models import Notice
from otai.billing.operations import closings
from otai.billing.operations.chaining import chain_new
from otai.billing.operations.notices import most_attempts
from otai.billing.operations.persons import replace_persons
from otai.errors import OtaiError
from otai.jobs.models import Job
from otai.orgs.actors import by_key, key_of
from otai.orgs.models import ApiKey, Member, Organisation, User
from otai.orgs.operations.organisations import IMPORTED
from otai.orgs.persons import Replacement, columns_of, replace
from otai.privacy.leftovers import let_go_of_files
from otai.privacy.locks import lock_all
from otai.privacy.models import Erased, Erasure, Export
from otai.runs.models import Attempt, Event, GuaranteeEvent, Quote, Run
from otai.serving import deletion
from otai.tickets.erasing import let_go
from otai.tickets.models import DataSet
from otai.words.actors import spellings_of_a_key

mail_waits_for = timedelta(days=1)
"""The last mail to the owners of an erased organisation: sent, or given up by then."""

GOES_WHOLE = (
    *("billing.CheckoutPage", "billing.PaymentMethod", "billing.GatewayCustomer", "billing.VatIdCheck"),
    *("billing.BillingDetails", "billing.CreditWatch", "runs.SpendLimit", "runs.ApprovalRule"),
    *(
        "helpdesks.HelpdeskConnection",
        "outbound.Endpoint",
        "outbound.Message",
        "api.KeyedRequest",
        "jobs.Job",
        "privacy.Export",
        "privacy.Retention",
    ),
    *("orgs.Member", "orgs.Invitation", "orgs.ApiKey", "orgs.TeamEvent", "orgs.AccessEvent", "orgs.QuotaLift"),
    *("orgs.OrganisationKey", "tickets.UploadWaiting", "tickets.ArrivingUpload"),
)
"""Tables of which nothing of the organisation stays."""


def forget_at_providers(organisation: Organisation, *, who: str, now: datetime) -> None:
    """Cards and mandates go where they are kept, and events are chained as they were; outside a transaction."""
    closings.forget_methods(organisation, who=who, now=now)
    chain_new(now=now)


def empty(organisation: Organisation, *, who: str, now: datetime) -> tuple[Erasure, list[UUID]]:
    """Within a transaction; returns what went, and the jobs whose folders go next (`remove_traces`)."""
    organisation = Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    lock_all(organisation)
    going, forgotten = deletion.delete_everything(organisation=organisation, who=who, now=now)
    forgotten += Job.objects.filter(organisation=organisation).values_list("id", flat=True)
    replacements = _persons_of(organisation)
    let_go(Export.objects.filter(organisation=organisation).exclude(file="").values_list("file", flat=True), now=now)
    went = {"tickets": going.tickets, "data_sets": len(going.data_sets), "models": len(going.models)}
    for label in GOES_WHOLE:
        rows = apps.get_model(label)._default_manager.filter(organisation=organisation)
        if label == "orgs.TeamEvent":
            # Runs of before it came have no hold in the ledger here.
            rows.filter(what=IMPORTED).update(subject="erased", who="import", details={})
            rows = rows.exclude(what=IMPORTED)
        count, _ = rows.delete()
        went[label] = count
    # The last mail is still on its way.
    Notice.objects.filter(organisation=organisation).exclude(template="closing_done", sent_at=None).delete()
    _forget_what_runs_said(organisation)
    replace_persons(replacements, who=who, now=now, of=organisation.id)
    replace(_with_an_organisation(), replacements, of=organisation.id)
    organisation.name, organisation.slug = "erased", f"erased-{organisation.id.hex[-12:]}"
    organisation.suspended_at, organisation.suspended_by, organisation.suspended_why = None, "", ""
    organisation.closed_at = now
    organisation.save()
    erasure = Erasure.objects.create(
        what=Erased.ORGANISATION,
        organisation=organisation,
        at=now,
        who=who,
        went={name: count for name, count in went.items() if count},
    )
    return erasure, forgotten


def remove_traces(organisation: Organisation, forgotten: Sequence[UUID], *, now: datetime) -> None:
    """Files, folders of jobs, vectors and freed pages, outside a transaction."""
    with suppress(OSError, OtaiError):
        # A store that does not answer is asked again by the sweep of leftovers.
        let_go_of_files(organisation.id, now=now)
    deletion.delete_traces(organisation.id, forgotten, now=now)


def forget_mails(*, now: datetime) -> None:
    """The last mails to owners of erased organisations go once they were sent or given up. For housekeeping."""
    theirs = Notice.objects.filter(organisation__closed_at__isnull=False)
    over = Q(sent_at__isnull=False) | Q(attempts__gte=most_attempts) | Q(made_at__lt=now - mail_waits_for)
    theirs.filter(over).delete()


def _with_an_organisation() -> list[type[models.Model]]:
    """Tables of rooms other than billing, whose rows belong to an organisation and stay."""
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in ("tickets", "runs", "privacy", "serving")
        and any(field.name == "organisation" for field in model._meta.concrete_fields)
    ]


def _persons_of(organisation: Organisation) -> list[Replacement]:
    """Whoever stands in rows of the organisation that stay: its people by their number, whoever has no account any more
    as person 0, programs by the prefix of their key."""
    stand = set(Member.objects.filter(organisation=organisation).values_list("user__email", flat=True))
    keys = _spellings_of_keys(organisation)
    for model in [*_with_an_organisation(), *apps.get_app_config("billing").get_models()]:
        if not any(field.name == "organisation" for field in model._meta.concrete_fields):
            continue
        for column in columns_of(model):
            if column == "who" or column.endswith("_by"):
                rows = model._default_manager.filter(organisation=organisation)
                stand.update(rows.values_list(column, flat=True).distinct().order_by())
    keys |= {who for who in stand if who and key_of(who)}
    addresses = {who.lower() for who in stand if who and "@" in who and not key_of(who)}
    numbers = {email.lower(): pk for email, pk in User.objects.filter(email__in=stand).values_list("email", "pk")}
    persons = [Replacement((one,), numbers.get(one, 0)) for one in sorted(addresses, key=len, reverse=True)]
    programs = [Replacement((one,), 0, becomes=by_key("key", (key_of(one) or ("", ""))[1])) for one in sorted(keys)]
    return [*programs, *persons]


def _spellings_of_keys(organisation: Organisation) -> set[str]:
    theirs = ApiKey.objects.filter(organisation=organisation).values_list("name", "prefix")
    return {spelt for name, prefix in theirs for spelt in spellings_of_a_key(name, prefix)}


def _forget_what_runs_said(organisation: Organisation) -> None:
    """Runs, quotes and guarantees stay for the ledger's sake: without names that the customer gave, and without
    anybody's own words."""
    data_sets = DataSet.objects.filter(organisation=organisation)
    for number, name in enumerate(sorted(set(data_sets.values_list("name", flat=True))), 1):
        data_sets.filter(name=name).update(name=f"data set {number}")
    quotes, trainings = (rows.filter(organisation=organisation) for rows in (Quote.objects, Run.objects))
    models_ = {*quotes.values_list("model_name", flat=True), *trainings.values_list("model_name", flat=True)}
    for number, name in enumerate(sorted(models_), 1):
        for found in (quotes, trainings):
            found.filter(model_name=name).update(model_name=f"model {number}")
    Run.objects.filter(organisation=organisation).exclude(approval_why="").update(approval_why="erased")
    Event.objects.filter(organisation=organisation).exclude(why="").update(why="")
    GuaranteeEvent.objects.filter(organisation=organisation).exclude(why="").update(why="")
    Attempt.objects.filter(run__organisation=organisation).exclude(log="").update(log="")
