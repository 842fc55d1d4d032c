"""Which words and character n-grams a training knows: as many as its fitting can use, and its model can hold."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import sparse

from otai.learning.data.targets import AttributeTarget
from otai.learning.features.text import TextFeatures, TokenCounts
from otai.learning.linear.cross_fitting import MOST_EXACT_WEIGHTS, CrossFitting
from otai.learning.recipes import Recipe

# A model of very many labels gives up rarer words than this to stay small; beyond it, it becomes a sketch.
MOST_TICKETS_TO_ASK_OF_A_FEATURE = 16


def chosen_features(
    texts: list[str], taking_part: int, targets: Sequence[AttributeTarget], recipe: Recipe
) -> tuple[TextFeatures, sparse.csr_matrix]:
    """The vocabulary and the matrix of the training part. `taking_part`: how many tickets the final model learns from.

    Every word counts where fitting is exact; in a sketch a word that one ticket has is only noise to the others. And
    where many labels would make the model too large, the rarest words are what it can do without. The matrix has shape
    (tickets, features).
    """
    exact = CrossFitting.is_exact_for(taking_part, recipe.candidates)
    labels = sum(len(target.labels) for target in targets)
    fewest = recipe.min_tickets_per_feature or (1 if exact else 2)
    counted = TokenCounts.of(texts)
    while True:
        features, matrix = TextFeatures.fit(
            counted,
            min_tickets=fewest,
            shortest_ngram=recipe.shortest_ngram,
            longest_ngram=recipe.longest_ngram,
        )
        if not exact or features.width * labels <= MOST_EXACT_WEIGHTS or fewest >= MOST_TICKETS_TO_ASK_OF_A_FEATURE:
            return features, matrix
        fewest *= 2
