"""How encoders say no. Each sentence names the command that helps."""

from __future__ import annotations

from otai.errors import Invalid, NotFound, Unavailable


class EncodersNotInstalled(Unavailable):
    """The libraries that run encoders (torch and its companions) are not installed beside the product."""

    code = "encoders_not_installed"


class MissingEncoder(Unavailable):
    """The encoder is known, and its weights are not on this machine, or could not be fetched."""

    code = "encoder_missing"


class DamagedEncoder(Unavailable):
    """A file of the encoder is not what was put there: bytes lost or changed. Nothing was loaded."""

    code = "encoder_damaged"


class UnknownEncoder(NotFound):
    """There is no encoder of that name, neither known nor imported."""

    code = "encoder_unknown"


class NotAnEncoder(Invalid):
    """What was offered for import is not an encoder that may be loaded: pickled weights, own code, files that do not
    belong."""

    code = "encoder_invalid"
