"""Why a column of a file is taken for what it is: each code with its sentence, as the tail of `tags: ignored, ...`."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

COLUMNS: Mapping[str, tuple[Sentence, ...]] = {
    "named_when_importing": ("named when importing",),
    "rows_all": (Counted("{rows:n} row", "{rows:n} rows", "rows"),),
    "rows_first": ("the first {rows:n} rows",),
    # Roles.
    "column_says_split": ("says of each ticket whether it is for training or test, such as {examples:names}",),
    "column_named_id": ("its name, and every value is different",),
    "column_repeats_id": ("its name; {rows:number} rows a value on average: rows of one ticket belong together",),
    "column_numbers_tickets": ("every value is different, and they are numbers of tickets, such as {examples:names}",),
    "column_named_created": ("its values are times, such as “{example}”, and its name fits",),
    "column_earliest": ("its values are times, and none of the row's other times is earlier",),
    "column_says_writer": ("says who wrote the message of a row, such as {examples:names}",),
    "column_named_language": ("its name, and its values are languages, such as {examples:names}",),
    "column_named_text": ("its name, and its values are texts ({characters:n} characters on average)",),
    "column_longest_text": ("the longest column of free text ({characters:n} characters on average)",),
    "column_holds_threads": ("its cells hold all messages of a ticket; the first one of the customer is taken",),
    "column_takes_up_subject": ("no other column is the text, and it takes up the words of the subject",),
    "column_taken_up_by_body": (
        "a short text beside the body, which takes up its words ({characters:n} characters on average)",
    ),
    # Attributes.
    "columns_one_attribute": (
        "{columns:n} columns that hold the same kind of labels ({labels:n} different): one multi-label attribute",
    ),
    "labels_separated": ("several labels in a cell, separated by “{separator}”, {labels:n} different",),
    "labels_separated_by_blanks": ("several labels in a cell, separated by blanks, {labels:n} different",),
    "labels_one_a_line": ("several labels in a cell, one a line, {labels:n} different",),
    "labels_in_lists": ("several labels in a cell, as lists, {labels:n} different",),
    "columns_one_name": ("“{first}” and “{last}” are one name, of {labels:n} people",),
    "labels_one_a_cell": ("{labels:n} different values, {tickets:n} tickets each on average",),
    "labels_ordered": (
        "{labels:n} different values, {tickets:n} tickets each on average; they have an order: {order}",
    ),
    "brought_along": (
        "{why:fact}; kept but not proposed: a new ticket brings it along, so there is little to predict",
    ),
    "changed_later": (
        "{why:fact}; kept but not proposed: {changed:n} of {tickets:n} tickets that came again with “{agent}” set have "
        "another value then, so that it is known only afterwards",
    ),
    "filled_later": (
        "{why:fact}; kept but not proposed: filled only where “{column}” says that the ticket is through, so that a "
        "new ticket has none",
    ),
    "name_sorts_nothing": ("{why:fact}; kept but not proposed: its name does not say that it sorts tickets",),
    "numbers_follow": ("{why:fact}; kept but not proposed: its numbers follow from “{column}”, which has words",),
    # Left out.
    "column_empty": ("empty in {where:fact}",),
    "column_other_time": ("times, but not the time the ticket came in",),
    "column_not_of_texts_language": (
        "by its name a language, but the texts are often in another one: it seems to be the one that the person set",
    ),
    "column_links_tickets": (
        "says which tickets belong together; none is learnt from while another of them is measured on",
    ),
    "column_doubled": ("says the same as “{other}”",),
    "column_one_list": ("every list holds the same",),
    "column_lists_single_things": ("lists of single things, which do not sort tickets",),
    "column_mail_addresses": ("e-mail addresses",),
    "column_person": ("by its name it is about a person, not about the kind of ticket",),
    "column_state": ("a state that changes while the ticket is worked on; a new ticket has none yet",),
    "afterwards_by_name": ("known only after the ticket came in, by its name (“{word}”)",),
    "afterwards_durations": ("known only after the ticket came in: its values are durations, such as “{example}”",),
    "afterwards_filled": (
        "known only after the ticket came in: it is filled only where “{column}” says that the ticket is through",
    ),
    "text_of_afterwards": ("by its name written after the ticket came in; new tickets will not have it",),
    "later_messages": ("all messages of a ticket: what came after the first is no text of a new ticket",),
    "column_agents": ("names of the people in “{column}”, which says who the ticket went to",),
    "column_one_value": ("the same value in all filled cells of {where:fact}: “{example}”",),
    "column_free_text": (
        Counted(
            "free text ({characters:n} character on average)",
            "free text ({characters:n} characters on average)",
            "characters",
        ),
    ),
    "column_single_tickets": ("numbers or names of single tickets",),
    "column_title": ("a title beside the subject, such as a person's",),
    "column_single_things": (
        "{labels:n} different values in {where:fact}: they name single things and do not sort tickets",
    ),
    "column_more_single_things": (
        "more than {labels:n} different values in {where:fact}: they name single things and do not sort tickets",
    ),
    "column_measured": ("measured numbers",),
}
