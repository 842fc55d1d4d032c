"""What is refused about prices and tiers."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "attribute_count_out_of_range.no_whole_number": said(
        "The number of attributes must be a whole number; {attributes:quoted} is not one.",
    ),
    "attribute_count_out_of_range.none": said(
        "A training predicts from 1 to {limit:n} attributes; {attributes:n} were chosen. Choose at least one.",
    ),
    "attribute_count_out_of_range.too_many": said(
        (
            "A training predicts from 1 to {limit:n} attributes; {attributes:n} were chosen. Leave out {over:n}, or "
            "split them over two trainings."
        ),
    ),
    "invalid_vat_id.form": said(
        (
            "{value:quoted} is not a valid VAT id: its form or its check digit is wrong. It begins with {prefix};"
            " the tax office's letter shows it."
        ),
    ),
    "invalid_vat_id.other_country": said(
        "The VAT id {vat_id} belongs to {of}, the address is in {country}. Correct one of the two.",
    ),
    "invalid_vat_id.outside": said(
        "A VAT id is for buyers in the European Union; {country} is outside. Leave it empty: no VAT is added.",
    ),
    "mode_not_in_tier.tier": said(
        (
            "{mode:title} is not included in {tier:title}, which trains {allowed:titles}. {needs_tier:title} "
            "includes it."
        ),
        (
            "{mode:title} is not included in {tier:title}, which trains {allowed:titles}. No tier includes it at "
            "present."
        ),
    ),
}
