"""Which encoders read the tickets of a training, and where it finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from otai.learning.data.language import detect_languages
from otai.learning.data.language_names import language_code
from otai.learning.encoders import EncoderStore, VectorCache
from otai.learning.features.embeddings import EncoderUsed, VectorReader
from otai.learning.features.encoder_choice import encoders_for
from otai.learning.finding import Finding

# More tickets than this do not change which languages a helpdesk speaks.
TICKETS_TO_DETECT_LANGUAGES = 1_000


@dataclass(frozen=True)
class Encoding:
    """Where a training finds encoders (`store` None: where this installation has them), and where it keeps vectors
    (`cache` None: nowhere)."""

    store: EncoderStore | None = None
    cache: VectorCache | None = None
    threads: int | None = None

    def for_tickets(
        self, texts: Sequence[str], languages: Sequence[str | None]
    ) -> tuple[VectorReader, tuple[Finding, ...]]:
        """The encoders for these tickets, and why these. Languages that nobody told are detected, on a sample.

        Raises MissingEncoder and EncodersNotInstalled; the quote asks the same before (`otai.runs.readiness`).
        """
        store = self.store or EncoderStore()
        choice = encoders_for(language_shares(texts, languages), present=store.available())
        store.require(choice.names)
        used = []
        for name in choice.names:
            spec = store.find(name).spec
            used.append(EncoderUsed(name, spec.revision, spec.fingerprint, spec.dimension))
        return VectorReader(tuple(used), store, self.cache, self.threads), choice.why


def language_shares(texts: Sequence[str], languages: Sequence[str | None]) -> dict[str | None, float]:
    """The share of each language; detected on every n-th ticket where fewer than half say theirs."""
    if not len(texts):
        return {}
    # "German" and "DE-at" are German, whoever hands the tickets over.
    told = [code for language in languages if language and (code := language_code(language) or language)]
    if 2 * len(told) < len(texts):
        told = [code for code in detect_languages(texts[:: -(-len(texts) // TICKETS_TO_DETECT_LANGUAGES)]) if code]
    return {language: tickets / len(told) for language, tickets in Counter(told).items()}
