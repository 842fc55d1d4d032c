"""The two ways in which learning says no: the data cannot be trained on, or the file is not a model."""

from __future__ import annotations

from otai.errors import Invalid


class InputFailure(Invalid):
    """The data cannot be trained on, and training again with the same data will not help.

    A run that ends so is a failure of class *input*: nobody retries it, and it costs no credits. `code` is one of

    - `dataset_invalid`: no tickets, no text in any of them, all tickets the same, an attribute that does not exist;
    - `label_too_rare`: fewer than two labels of an attribute have enough tickets to learn from.

    `where` names the place to look at: an attribute, or `attribute = label`; empty if it is the data set as a whole.
    """

    code = "dataset_invalid"

    @property
    def where(self) -> str:
        """An attribute, or `attribute = label`; empty where it is the tickets as a whole."""
        return str(self.details.get("where", ""))


class BundleInvalid(Invalid):
    """The file is no bundle, is damaged, or was written by a newer version of the product. Nothing was loaded."""

    code = "bundle_invalid"
