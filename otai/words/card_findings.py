"""What stands out in a training, by code: the findings of report cards."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.finding_words import Words
from otai.words.sentences import Counted

_measured = "{gain:points} points ({low:points} to {high:points})"

ANSWER = (
    *("best_and_worst", "right_in", "labels_right_in", "left_to_it", "labels_left_to_it", "nothing_left_to_it"),
    "no_better_than_guessing",
)
"""What a card answers first: how good it is, what may be left to it, what not to use it for."""

HEADLINES = (*ANSWER, "answers_of_business")
"""Those that stand above everything else."""

CARD: Mapping[str, Words] = {
    "best_and_worst": Words(
        (
            "Best is {best}, right {best_right:percent1} of the time; worst is {worst}, right {worst_right:percent1}.",
            "The best attribute is right {best_right:percent1} of the time, the worst {worst_right:percent1}.",
        )
    ),
    "right_in": Words(("{best} is right {right:percent1} of the time.",)),
    "labels_right_in": Words(
        ("{best}: {right:percent} of the labels that it gives are right; of those there it finds {found:percent}.",)
    ),
    "left_to_it": Words(
        (
            "May be left to it: {coverage:percent} of tickets in {most}, {right:percent} of those right; also a "
            "part of {also:attributes}.",
            "May be left to it: {coverage:percent} of tickets in {most}, {right:percent} of those right.",
        )
    ),
    "labels_left_to_it": Words(
        (
            "May be left to it: {coverage:percent} of the labels of {most}, {right:percent} of those right; also a "
            "part of {also:attributes}.",
            "May be left to it: {coverage:percent} of the labels of {most}, {right:percent} of those right.",
        )
    ),
    "nothing_left_to_it": Words(
        (
            Counted(
                "Nothing may be left to it yet: people look at every ticket. About {more:n} more labelled ticket "
                "would let it promise 95 of 100.",
                "Nothing may be left to it yet: people look at every ticket. About {more:n} more labelled tickets "
                "would let it promise 95 of 100.",
                "more",
            ),
            "Nothing may be left to it: people look at every ticket.",
        )
    ),
    "no_better_than_guessing": Words(
        (
            "Do not use it for {attributes:attributes}: no better than guessing.",
            "Do not use it for every attribute: some are told no better than by guessing.",
        )
    ),
    "answers_of_business": Words(
        (
            "No fine-tuned network made answers surely better, so this model answers as one of Business does, to the "
            "digit. For this data Business is enough.",
        )
    ),
    "business_is_enough": Words(
        (
            "{attribute}: fine-tuning changed the mean of accuracy and macro F1 by "
            + _measured
            + " on tickets kept back from training. {networks_left_out:n} fine-tuned networks were left out: Business, "
            "the cheaper mode, is enough for this data.",
            "{attribute}: fine-tuning changed the mean of accuracy and macro F1 by "
            + _measured
            + " on tickets kept back from training. "
            "Business, the cheaper mode, is enough for this data.",
            "{attribute}: fine-tuning gained next to nothing. Business, the cheaper mode, is enough for this data.",
        )
    ),
    "duplicates_across_split": Words(
        (
            Counted(
                "{tickets:n} training ticket has the same text as a test ticket and was not learnt from.",
                "{tickets:n} training tickets have the same text as a test ticket and were not learnt from.",
                "tickets",
            ),
            "Some training tickets have the same text as a test ticket and were not learnt from.",
        )
    ),
    "empty_tickets": Words(
        (
            Counted(
                "{tickets:n} ticket has no text and was not learnt from.",
                "{tickets:n} tickets have no text and were not learnt from.",
                "tickets",
            ),
            "Some tickets have no text and were not learnt from.",
        )
    ),
    "encoders": Words(("Read with {rest}", "Read with a language model.")),
    "encoder_added_for_english": Words(("{encoder} beside it, because {share:percent} is English.",)),
    "encoder_english_not_there": Words(
        ("{share:percent} is English: the encoder {encoder} beside it would add a little. It is not installed here.",)
    ),
    "encoder_english_not_wanted": Words(
        ("No English encoder beside it, because tickets in {languages:languages} are expected as well.",)
    ),
    "encoder_language_unknown": Words(("Read with {encoder}, because the language of the tickets could not be told.",)),
    "encoder_larger_not_there": Words(
        (
            "The {gpu} of this machine could train the larger encoder {encoder} as well. It is not installed here, and "
            "nothing is fetched unasked.",
        )
    ),
    "encoder_larger_taken": Words(
        (
            "The larger encoder {encoder} learns beside them: a {gpu} trains it in time. Where the model uses it, "
            "predicting needs it as well.",
        )
    ),
    "encoder_none_speaks": Words(
        (
            "Read with {encoder}, although no known encoder speaks {languages:languages} ({share:percent} of the "
            "tickets); words and characters will carry those.",
        )
    ),
    "encoder_other_not_there": Words(
        (
            "Read with {encoder}, although {share:percent} of the tickets are in {languages:languages}, which it does "
            "not speak. {other} speaks them; it is not installed here.",
        )
    ),
    "encoder_other_taken": Words(
        (
            "Read with {encoder}, because {share:percent} of the tickets are in {languages:languages}, which {other} "
            "does not speak.",
        )
    ),
    "encoder_speaks": Words(
        ("Read with {encoder}, which speaks the language of {share:percent} of the tickets ({languages:languages}).",)
    ),
    "fine_tuning_gained": Words(
        (
            "{attribute}: fine-tuning changed the mean of accuracy and macro F1 by "
            + _measured
            + " on tickets kept back from training.",
            "{attribute}: fine-tuning made it better.",
        )
    ),
    "fine_tuning_stopped": Words(
        (
            "{network} made {share:percent} of its steps of learning and then stopped, so that the model is ready in "
            "the time that was promised.",
        )
    ),
    "hierarchy": Words(
        (
            "{attribute}: {share:percent1} of its tickets go with one {parent} for each label, so the two are "
            "predicted together and agree.",
            "{attribute} is predicted together with the attribute above it, so that the two agree.",
        )
    ),
    "hierarchy_left_free": Words(
        (
            "{attribute}: {share:percent1} of its tickets go with one {parent} for each label. Made to agree, both "
            "would change by {cost:points} points of accuracy and macro F1 (their mean); so each is predicted on its "
            "own.",
            "{attribute} hangs on another attribute. Made to agree, both would be right less often; so each is "
            "predicted on its own.",
        )
    ),
    "label_given_away": Words(
        (
            "{attribute}: in {coverage:percent} of the tickets stand lines, sentences, names, addresses or numbers "
            "that nearly decide it. A quick model that reads them is right on {with_lines:percent} of tickets of "
            "{measured_labels:n} of its {labels:n} labels; without these lines {right_of_100:n} of 100 of them would "
            "be right. If they are written after someone decided it, new tickets will not have them, and these figures "
            "will not hold: cut them, and train again.",
            "{attribute}: in {coverage:percent} of the tickets stand lines, sentences, names, addresses or numbers "
            "that nearly decide it. A quick model that reads them is right on {with_lines:percent}; without these "
            "lines {right_of_100:n} of 100 would be right. If they are written after someone decided it, new tickets "
            "will not have them, and these figures will not hold: cut them, and train again.",
            "{attribute}: lines, sentences, names, addresses or numbers in the tickets nearly decide it. If they are "
            "written after someone decided it, these figures will not hold for new tickets.",
        )
    ),
    "lines_not_measured": Words(
        (
            Counted(
                "{attributes:n} further attribute is nearly decided by lines, sentences, names, addresses or numbers; "
                "what they are worth was not measured: {named:names}. Its figures may not hold for new tickets.",
                "{attributes:n} further attributes are nearly decided by lines, sentences, names, addresses or "
                "numbers; what they are worth was not measured: {named:names}. Their figures may not hold for new "
                "tickets.",
                "attributes",
            ),
        )
    ),
    "labels_confused": Words(
        (
            Counted(
                "{attribute}: {tickets:n} ticket of “{actual}” was taken for “{predicted}”. Do people tell the two "
                "apart?",
                "{attribute}: {tickets:n} tickets of “{actual}” were taken for “{predicted}”. Do people tell the two "
                "apart?",
                "tickets",
            ),
            "{attribute}: two labels are often taken for each other. Do people tell them apart?",
        )
    ),
    "labels_are_personal": Words(
        (
            Counted(
                "{attribute}: {labels:n} label is a mail address or other personal data ({shown:words}). The model "
                "answers with it: whoever gets the model or this card gets it too.",
                "{attribute}: {labels:n} labels are mail addresses or other personal data ({shown:words}). The model "
                "answers with them: whoever gets the model or this card gets them too.",
                "labels",
            ),
        )
    ),
    "labels_left_out": Words(
        (
            Counted(
                "{attribute}: {labels:n} label with fewer than {fewest:n} training tickets was left out "
                "({named:names}; tickets: {tickets:n}). The model never predicts it.",
                "{attribute}: {labels:n} labels with fewer than {fewest:n} training tickets each were left out "
                "({named:names}; tickets: {tickets:n}). The model never predicts them.",
                "labels",
            ),
            "{attribute}: labels with too few tickets were left out. The model never predicts them.",
        )
    ),
    "labels_merged": Words(
        (
            "{attribute}: spellings that differ only in case were joined: {merged:names}.",
            "{attribute}: spellings of labels that differ only in case were joined.",
        )
    ),
    "labels_never_predicted": Words(
        (
            "{attribute}: never predicted on the holdout: {labels:names}. More tickets of these would help.",
            "{attribute}: some labels were never predicted on the holdout. More tickets of these would help.",
        )
    ),
    "labels_suspected": Words(
        (
            "{attribute}: {wrong:n} of {examined:n} tickets examined look wrongly labelled. Look at the {listed:n} "
            "likeliest.",
            "{attribute}: {wrong:n} of {examined:n} tickets examined look wrongly labelled. Look at them.",
            "{attribute}: some tickets look wrongly labelled. Look at them.",
        )
    ),
    "mostly_unlabelled": Words(
        (
            "{attribute}: {missing:n} of {all:n} training tickets have no label to learn from.",
            "{attribute}: most training tickets have no label to learn from.",
        )
    ),
    "newest_easier": Words(
        (
            "{attribute}: on the newest tickets the model is right {newest:percent1} of the time, on tickets of all "
            "times {others:percent1}. What comes in has become easier.",
            "{attribute}: on the newest tickets the model is right more often than on tickets of all times.",
        )
    ),
    "newest_harder": Words(
        (
            "{attribute}: on the newest tickets the model is right {newest:percent1} of the time, on tickets of all "
            "times {others:percent1}. What comes in is changing: expect the lower figure, and train again with new "
            "tickets before long.",
            "{attribute}: on the newest tickets the model is right less often than on tickets of all times. What comes "
            "in is changing: train again with new tickets before long.",
        )
    ),
    "newest_measured": Words(
        (
            "The figures are those of the {newest:n} newest tickets (since {since:date}), for what comes in tomorrow "
            "is like them; {others:n} tickets of all times, chosen at random, stand beside them.",
            "The figures are those of the newest tickets, for what comes in tomorrow is like them; tickets of all "
            "times, chosen at random, stand beside them.",
        )
    ),
    "no_better_than_majority": Words(
        (
            "{attribute}: the model is not measurably better than always answering “{label}” ({share:percent1} right). "
            "The texts may not say what decides this attribute.",
            "{attribute}: the model is not measurably better than always giving the same answer. The texts may not say "
            "what decides this attribute.",
        )
    ),
    "no_better_than_nothing": Words(
        (
            "{attribute}: the model is not measurably better than always answering nothing ({share:percent1} right). "
            "The texts may not say what decides this attribute.",
        )
    ),
    "no_signal": Words(
        (
            "{attribute}: nothing in these texts tells it: the model is right {right:percent1} of the time; "
            "labels dealt out at random, each as often as it is there, would be right in {share:percent1}. Do not "
            "buy a training for it.",
            "{attribute}: nothing in these texts tells it: answers dealt out at random are right as often. Do not buy "
            "a training for it.",
        )
    ),
    "no_holdout": Words(
        (
            Counted(
                "{tickets:n} ticket is too few to keep any aside. It was measured by a model that had not seen it, "
                "which flatters a little.",
                "{tickets:n} tickets are too few to keep any aside. Each was measured by a model that had not seen it, "
                "which flatters a little.",
                "tickets",
            ),
            "The tickets are too few to keep any aside. Each was measured by a model that had not seen it, which "
            "flatters a little.",
        )
    ),
    "not_measured": Words(
        ("{attribute}: no holdout ticket has a label that was learnt, so nothing could be measured.",)
    ),
    "small_holdout": Words(
        (
            Counted(
                "Measured on {tickets:n} ticket only: mind the width of the intervals.",
                "Measured on {tickets:n} tickets only: mind the width of the intervals.",
                "tickets",
            ),
            "Measured on few tickets only: mind the width of the intervals.",
        )
    ),
    "way_of_learning": Words(
        (
            "{network}: {ways:n} ways of fine-tuning were tried on a part of the tickets; chosen: {epochs:n} epochs at "
            "rate {rate:number}, with a contrast between labels of weight {contrast:number}.",
            "{network}: {ways:n} ways of fine-tuning were tried on a part of the tickets; chosen: {epochs:n} epochs at "
            "rate {rate:number}.",
            "{ways:n} ways of fine-tuning were tried on a part of the tickets, and the best one chosen.",
            "Several ways of fine-tuning were tried on a part of the tickets, and the best one chosen.",
        )
    ),
    "words_were_enough": Words(
        (
            "{attribute}: sentence vectors changed the mean of accuracy and macro F1 by " + _measured + " on tickets "
            "kept back from training. Basic, the cheaper mode, is enough for this attribute.",
            "{attribute}: sentence vectors gained next to nothing. Basic, the cheaper mode, is enough for this "
            "attribute.",
        )
    ),
}
