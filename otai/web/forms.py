"""What people fill in. The rooms check the values; forms only shape them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from otai.errors import OtaiError
from otai.orgs.typed_numbers import PlainIntegerField
from otai.runs.approval import DAYS
from otai.units import MAX_CREDITS
from otai.web.refusals import in_words
from otai.words.countries import countries


def add_refusal(form: forms.Form, refused: OtaiError) -> None:
    """What a room refused, beside the field that it names."""
    field = refused.details.get("field")
    form.add_error(field if field in form.fields else None, in_words(refused))


class BillingDetailsForm(forms.Form):
    name = forms.CharField(label=_("Company"), max_length=200, widget=forms.TextInput({"autocomplete": "organization"}))
    street = forms.CharField(
        label=_("Street and number"), max_length=200, widget=forms.TextInput({"autocomplete": "street-address"})
    )
    postcode = forms.CharField(
        label=_("Postcode"), max_length=20, required=False, widget=forms.TextInput({"autocomplete": "postal-code"})
    )
    city = forms.CharField(label=_("City"), max_length=100, widget=forms.TextInput({"autocomplete": "address-level2"}))
    address_line_2 = forms.CharField(
        label=_("Second address line"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "address-line2"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        # The first is nobody's country: VAT follows what is chosen.
        choices=lambda: [("", ""), *countries(get_language() or "en")],
        widget=forms.Select({"autocomplete": "country"}),
    )
    vat_id = forms.CharField(
        label=_("VAT id"),
        max_length=20,
        required=False,
        help_text=_("With a VAT id of another member state, you owe the VAT yourself (reverse charge)."),
    )
    email = forms.EmailField(label=_("Mail address for invoices"), widget=forms.EmailInput({"autocomplete": "email"}))
    language = forms.ChoiceField(label=_("Language of invoices"), choices=lambda: settings.LANGUAGES)

    buyer_reference = forms.CharField(
        label=_("Your reference"), max_length=100, required=False, help_text=_("Printed on each invoice.")
    )
    purchase_order = forms.CharField(label=_("Purchase-order number"), max_length=100, required=False)
    leitweg_id = forms.CharField(
        label=_("Leitweg-ID"),
        max_length=46,
        required=False,
        help_text=_("Of German public authorities: the XML is an XRechnung then."),
    )


class SpendLimitForm(forms.Form):
    """An empty number is no limit; an empty member is everybody."""

    member = forms.CharField(required=False, max_length=254)
    monthly_credits = PlainIntegerField(label=_("Limit in a month"), required=False, min_value=0, max_value=MAX_CREDITS)


class ApprovalRuleForm(forms.Form):
    """An empty number: no order waits."""

    above_credits = PlainIntegerField(
        label=_("Orders of more credits than this wait"), required=False, min_value=0, max_value=MAX_CREDITS
    )
    days = PlainIntegerField(label=_("for at most so many days"), required=False, min_value=DAYS[0], max_value=DAYS[-1])


class NoticeForm(forms.Form):
    below = PlainIntegerField(
        label=_("Send a mail when fewer credits are left than"),
        min_value=0,
        max_value=MAX_CREDITS,
        help_text=_("0: no mail. The mail goes to the address for invoices."),
    )


class TopUpForm(forms.Form):
    below = PlainIntegerField(label=_("When fewer credits are left than"), min_value=1, max_value=MAX_CREDITS)
    package = forms.ChoiceField(label=_("buy"))
    monthly_limit = PlainIntegerField(min_value=1, max_value=10_000_000)
    method = forms.ChoiceField(label=_("paid with"))

    def __init__(
        self,
        *args: Any,
        packages: list[tuple[str, str]],
        methods: list[tuple[str, str]],
        currency: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        label = _("but in a calendar month at most, in %(currency)s net")
        self.fields["monthly_limit"].label = label % {"currency": currency}
        for name, choices in (("package", packages), ("method", methods)):
            choice = self.fields[name]
            assert isinstance(choice, forms.ChoiceField)
            choice.choices = choices


class LedgerFilter(forms.Form):
    """What of the ledger is shown; everything may be left out."""

    q = forms.CharField(required=False, max_length=100)
    kind = forms.ChoiceField(required=False)
    before = PlainIntegerField(required=False, min_value=1)
    after = PlainIntegerField(required=False, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        from otai.web.words import MOVEMENTS

        choice = self.fields["kind"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", _("Everything")), *MOVEMENTS.items()]

    def given(self) -> dict[str, Any]:
        """What could be read; what could not counts as left out."""
        self.is_valid()
        return self.cleaned_data
