"""How the operator's desk works: lists to read, and actions with a form that asks why. Each action is one operation of
billing.

An action is shown to staff who may change the table it stands on, runs as that person, and writes an event with who and
why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from otai.billing.models import Event
from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs.access_events import AccessKind, note_all
from otai.orgs.actors import at_the_desk
from otai.orgs.models import Organisation
from otai.orgs.sessions import sender
from otai.orgs.typed_numbers import PlainDecimalField
from otai.units import Money
from otai.words.catalogue import ENGLISH, say_actor, say_fact, say_kept
from otai.words.invoices import money
from otai.words.sentences import Fact

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class WhyForm(forms.Form):
    """Every action asks why; the answer is kept with the operator's name."""

    why = forms.CharField(
        label=_("Why"),
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_(
            "Kept beside the change, with your name. Customers can read it where it concerns their money or credits."
        ),
    )


def asking(**fields: forms.Field) -> type[WhyForm]:
    """A form with these fields, and why."""
    return cast(type[WhyForm], type("ActionForm", (WhyForm,), {**fields, "field_order": [*fields, "why"]}))


@dataclass(frozen=True, slots=True)
class DeskAction:
    """`run(row, who, now, **answers)` does it and returns what to say; `applies(row)` says when it is offered."""

    name: str
    label: str | Promise
    run: Callable[..., str]
    form: type[WhyForm] = WhyForm
    applies: Callable[[Any], bool] = lambda row: True
    explanation: str | Promise = ""


def cents_shown(cents: int, currency: str = "EUR") -> str:
    """An amount of cents as people read it."""
    return money(cents, currency, get_language() or ENGLISH, least_decimals=0)


def counted_credits(credits: int) -> str:
    """`1 credit`, `12 credits`."""
    return ngettext("%(credits)s credit", "%(credits)s credits", credits) % {"credits": credits}


WAITS_FOR_A_SECOND = _("This is more than one operator may do alone: it waits for a second one, who approves it here.")


def told(refused: OtaiError) -> str:
    """A refusal in the operator's language."""
    return refused.said("page", get_language() or ENGLISH)


DESK_WORDS = "desk"
"""Their context in the catalogue: `open` is a state there, and what to do on a page."""


def word(text: str) -> _StrPromise:
    """The name of a table, a column or a value, in the operator's language."""
    return pgettext_lazy(DESK_WORDS, text)


def name_in_words(model: type[models.Model]) -> None:
    """A table, its columns, what explains them and their values are called as the operator's language calls them.

    What the models say stays in migrations as it is; only what pages read is replaced.
    """
    options = model._meta
    if isinstance(options.verbose_name, Promise):
        return
    # Django makes the second one of the first when it is read.
    options.verbose_name_plural = word(str(options.verbose_name_plural))
    options.verbose_name = word(str(options.verbose_name))
    options.app_config.verbose_name = _worded(options.app_config.verbose_name)
    for field in options.fields:
        field.verbose_name = _worded(field.verbose_name)
        if field.help_text:
            field.help_text = _worded(field.help_text)
        if field.flatchoices:
            field.choices = [(value, _worded(label)) for value, label in field.flatchoices]


def _worded(text: Any) -> Any:
    return text if isinstance(text, Promise) else word(str(text))


def euros(**more: Any) -> PlainDecimalField:
    return PlainDecimalField(min_value=0, max_digits=12, decimal_places=2, **more)


def money_of(amount: Any, currency: str = "EUR") -> Money:
    return Money(int(amount * 100), currency)


SUBJECTS_OF_NO_TABLE = ("billing details", "gateway_customer", "goodwill", "price book")
"""What events are about beside what the tables' `event_subject` say."""


class SaidValues(admin.AllValuesFieldListFilter):
    """The values that there are, in the operator's language."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": _worded(choice["display"])}


class Desk(admin.ModelAdmin):
    """A table to read. Nothing is typed into a row here: what changes it is an action."""

    desk_actions: tuple[DeskAction, ...] = ()
    event_subject = ""
    said_columns: tuple[str, ...] = ()
    """Columns that keep a code or a fact where no person gave a reason: shown as sentences."""
    change_form_template = "billing/desk/row.html"
    list_per_page = 50
    show_full_result_count = False

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        name_in_words(model)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        """Whether this person may change what the desk lists: Django's `change` permission."""
        options = self.model._meta
        return bool(request.user.has_perm(f"{options.app_label}.change_{options.model_name}"))

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may_act(request) or super().has_view_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        called = {field.name: field.verbose_name for field in self.model._meta.fields}
        names = super().get_fields(request, obj)
        said = [_said(name, called=called[name]) if name in self.said_columns else name for name in names]
        return [_who(name, called=called[name]) if _is_who(name) else name for name in said]

    def get_list_display(self, request: HttpRequest) -> Any:
        called = {field.name: field.verbose_name for field in self.model._meta.fields}
        shown = super().get_list_display(request)
        said = [_said(name, called=called[name]) if name in self.said_columns else name for name in shown]
        return [_who(name, called=called[name]) if _is_who(name) and name in called else name for name in said]

    def get_urls(self) -> list[URLPattern]:
        options = self.model._meta
        name = f"{options.app_label}_{options.model_name}_act"
        view = self.admin_site.admin_view(self.act)
        return [path("<path:object_id>/act/<slug:action>/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        offered = []
        if row is not None and self.may_act(request):
            offered = [
                {"label": action.label, "url": self._address(row, action)}
                for action in self.desk_actions
                if action.applies(row)
            ]
        self.note_read(request, row)
        offered += self.also_offered(request, row)
        extra = {**(extra_context or {}), "desk_actions": offered, "desk_history": self._told(row)}
        return super().change_view(request, object_id, form_url, extra)

    def also_offered(self, request: HttpRequest, row: models.Model | None) -> list[dict[str, Any]]:
        """What else than actions may be done from here: `label` and `url` of each."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, and for the owners of whatever is on the page that an operator looked at it."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if (listed := shown.get("cl")) is not None:
            self.note_read(
                request, *listed.result_list, about=Fact("access.list_read", {"table": self.model._meta.model_name})
            )
        return response

    def note_read(self, request: HttpRequest, *rows: models.Model | None, about: Fact | None = None) -> None:
        """The organisations' owners see that an operator looked at something of theirs."""
        theirs = {found for row in rows if (found := organisation_of(row)) is not None}
        if theirs:
            row = Fact("access.row_read", {"table": self.model._meta.model_name, "row": str(rows[0])})
            self.note_read_of(request, theirs, about=about or row)

    def note_read_of(self, request: HttpRequest, theirs: Collection[UUID], *, about: Fact) -> None:
        """The same of these organisations; none is nothing."""
        who = request.user.get_username()
        note_all(theirs, AccessKind.OPERATOR_READ, who=who, now=utc_now(), about=about, **sender(request))

    def _address(self, row: models.Model, action: DeskAction) -> str:
        options = self.model._meta
        return reverse(f"admin:{options.app_label}_{options.model_name}_act", args=[row.pk, action.name])

    def _told(self, row: models.Model | None) -> list[dict[str, Any]]:
        """The row's history in the operator's language."""
        language = get_language() or ENGLISH
        return [
            {
                "at": line.at,
                "what": line.happened(language=language),
                "who": say_actor(line.who, language=language),
                "why": line.said(language=language),
            }
            for line in self.history(row)
        ]

    @admin.display(description=_("gross"), ordering="gross_cents")
    def gross(self, row: Any) -> str:
        """A column of tables that have one, with its currency."""
        return cents_shown(row.gross_cents, row.currency)

    @admin.display(description=_("amount"), ordering="cents")
    def amount(self, row: Any) -> str:
        """A column of tables that have one, with its currency."""
        return cents_shown(row.cents, row.currency)

    def history(self, row: models.Model | None) -> Iterable[Any]:
        """The lines of the row's history (`Explained`), the earliest first."""
        if row is None or not self.event_subject:
            return ()
        return Event.objects.filter(subject=self.event_subject, subject_id=str(row.pk)).order_by("id")

    def act(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """Shows the form of an action, and runs it. Raises PermissionDenied for whoever may not, and Http404 for what
        is not there."""
        if not self.may_act(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        chosen = next((found for found in self.desk_actions if found.name == action), None)
        if row is None or chosen is None or not chosen.applies(row):
            raise Http404
        self.note_read(request, row)
        options = self.model._meta
        back = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
        form = chosen.form(request.POST or None)
        if request.method == "POST" and form.is_valid():
            who = at_the_desk(request.user.get_username())
            try:
                said = chosen.run(row, who=who, now=utc_now(), **form.cleaned_data)
            except OtaiError as error:
                form.add_error(None, told(error))
            else:
                messages.success(request, said)
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": chosen.label,
            "opts": options,
            "original": row,
            "action": chosen,
            "form": form,
            "back": back,
        }
        return TemplateResponse(request, "billing/desk/act.html", context)


def organisation_of(row: Any) -> UUID | None:
    """Whose a row is: its own organisation, or that of the order, run or member it belongs to; None where it is
    nobody's."""
    if isinstance(row, Organisation):
        return row.id
    if isinstance(found := getattr(row, "organisation_id", None), UUID):
        return found
    above = (getattr(row, name, None) for name in ("purchase", "run", "member", "guarantee"))
    return next((organisation_of(one) for one in above if one is not None), None)


def _said(column: str, *, called: Any) -> Callable[[models.Model], str]:
    @admin.display(description=called, ordering=column)
    def sentence(row: models.Model) -> str:
        language = get_language() or ENGLISH
        beside = getattr(row, column.removesuffix("_why") + "_fact", None)
        return say_fact(beside, language=language) if beside else say_kept(getattr(row, column), language=language)

    sentence.__name__ = column
    return sentence


def _is_who(column: object) -> TypeGuard[str]:
    return isinstance(column, str) and (column == "who" or column.endswith("_by"))


def _who(column: str, *, called: Any) -> Callable[[models.Model], str]:
    @admin.display(description=called, ordering=column)
    def sentence(row: models.Model) -> str:
        return say_actor(getattr(row, column) or "", language=get_language() or ENGLISH)

    sentence.__name__ = column
    return sentence


def facts_table(rows: list[tuple[str, object]]) -> SafeString:
    """Names and values, one a line."""
    body = format_html_join("", "<tr><th style='text-align:left;padding-right:2em'>{}</th><td>{}</td></tr>", rows)
    return format_html("<table>{}</table>", body)
