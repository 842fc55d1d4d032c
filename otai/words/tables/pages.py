"""What pages refuse, and what they say instead where the room's own sentence is for whoever runs the Studio."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Sentence

_NO_ENCODER = (
    "The language model that this needs is not installed here. Nothing was charged. Ask whoever runs this Studio."
)

ON_PAGES: Mapping[str, Sentence] = {
    "bundle_invalid": "The file of this model cannot be read here. Ask whoever runs this Studio.",
    "cluster_unavailable": "This cannot be done at this moment. Try again in a while.",
    "encoder_damaged": _NO_ENCODER,
    "encoder_invalid": _NO_ENCODER,
    "encoder_missing": _NO_ENCODER,
    "encoder_unknown": _NO_ENCODER,
    "encoders_not_installed": _NO_ENCODER,
    "export_differs": "This model cannot be exported in this format.",
    "file_store_unavailable": "A file cannot be read or written at this moment. Try again in a while.",
    "gateway_unavailable": "The payment provider does not answer. Nothing was charged. Try again in a while.",
    "invalid_request": "Something is missing in this form. Load the page anew and try again.",
    "nothing_to_export": "This model cannot be exported in this format.",
    "onnx_not_installed": "This model cannot be exported in this format here.",
    "unavailable": "This cannot be done at this moment. Try again in a while.",
}
"""By code: what a page says, whatever the case."""

TABLE: Mapping[str, Refusal] = {
    "dataset_invalid.no_file_chosen": said("Choose a file that is not empty."),
    "length_required": said("This request does not say how long it is."),
    "not_allowed": said("Your role does not include this."),
    "not_found": said("There is no such thing, or it is not yours."),
    "not_found.tier": said("There is no such tier."),
    "not_found.upload": said("This upload is not here any more. Upload the file again."),
    "not_found.version": said("There is no such version."),
    "too_large.page": said(
        "This is larger than {megabytes:n}\u00a0MB, the most that a page takes. Compress the file (.csv.gz, "
        ".parquet), or "
        "split it.",
    ),
    "unavailable": said("This cannot be done at this moment. Try again in a while."),
}
