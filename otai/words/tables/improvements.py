"""What would most likely raise an attribute, as the command line and the API list it."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

IMPROVEMENTS: Mapping[str, tuple[Sentence, ...]] = {
    "improvement.wrong_labels": (
        "{wrong:n} of {examined:n} labels look wrong; the likeliest {listed:n} are listed. Look at them, and accept "
        "those that are.",
    ),
    "improvement.merge_labels": (
        "{names:names} are taken for each other in {wrong:n} of {tickets:n} measured tickets. {thin:quoted} has only "
        "{learnt:n} tickets. Joined, those would be right.",
        "{names:names} are taken for each other in {wrong:n} of {tickets:n} measured tickets. Joined, those would be "
        "right.",
    ),
    "improvement.more_tickets": (
        "{tickets:n} more labelled tickets would add {low:points} to {high:points} points of accuracy, as the learning "
        "curve goes.",
    ),
    "improvement.thin_labels": (
        Counted(
            "{labels:n} label has fewer than {fewest:n} tickets and is mostly missed: {named:names}. It takes "
            "{missing:n} more to bring it to {fewest:n}.",
            "{labels:n} labels have fewer than {fewest:n} tickets and are mostly missed: {named:names}. {missing:n} "
            "more tickets would bring each to {fewest:n}.",
            "labels",
        ),
    ),
    "improvement.duplicates": (
        Counted(
            "{tickets:n} ticket has the same text as another with another label: no model can be right about both. "
            "Decide which it is.",
            "{tickets:n} tickets have the same text as another with another label: no model can be right about both. "
            "Decide which it is.",
            "tickets",
        ),
    ),
    "improvement.language": (
        "Only {share:percent1} of the tickets are in “{language:language}”. More of them would help, or a mode whose "
        "encoder reads other languages as well.",
    ),
    "improvement.stronger_mode": (
        "{mode:title} gained {mean:points} points of accuracy on {attributes:n} attributes of public sets, mostly "
        "between {low:points} and {high:points}; yours may differ.",
        "{mode:title} learns more; by how much has not been measured.",
    ),
}
