"""What stands out in a data set, by code: found while importing."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.finding_words import Words
from otai.words.sentences import Counted

DATA: Mapping[str, Words] = {
    "attribute_not_learnable": Words(
        (
            Counted(
                "{attribute} has {learnable_labels:n} label with at least {fewest:n} training tickets; learning needs "
                "2.",
                "{attribute} has {learnable_labels:n} labels with at least {fewest:n} training tickets; learning needs "
                "2.",
                "learnable_labels",
            ),
            "{attribute} has too few labels with enough training tickets; learning needs 2.",
        ),
        "Leave it out of the training, or import more tickets.",
    ),
    "no_signal": Words(
        (
            "{attribute}: nothing in these texts tells it. In a trial on {tickets:n} tickets the right label was "
            "scored no higher than labels dealt out at random.",
        ),
        "Do not buy a training for it: leave it out, or agree on its labels first.",
    ),
    "no_gain_expected": Words(
        (
            "In a trial on {tickets:n} of these tickets Maximum answered no better than Business: {gain:points} points "
            "of accuracy and macro F1 ({low:points} to {high:points}).",
        ),
        "Business is enough, and costs less.",
    ),
    "bad_rows_left_out": Words(
        (
            Counted(
                "{rows:n} row could not be read and was left out.",
                "{rows:n} rows could not be read and were left out.",
                "rows",
            ),
        ),
        "Correct them in the source and import again, if these tickets matter.",
    ),
    "columns_appeared_late": Words(
        ("Some keys appear only far down in the file and were left out: {columns:names}.",),
        "If they matter, put a row that has them first.",
    ),
    "columns_came": Words(
        (
            "Columns that the tickets before did not have became attributes: {columns:names}. Those tickets have no "
            "label there.",
        ),
        "Nothing to do. A column that shall be none can be ignored when importing.",
    ),
    "columns_lacking": Words(
        ("What was added lacks columns that the tickets before have: {columns:names}. Its tickets say nothing there.",),
        "If a column is only called otherwise now, give it the name of before, and add the file again.",
    ),
    "columns_renamed": Words(
        ("Columns that are called otherwise were taken for those of before: {columns:names}.",),
        "Nothing to do. If one means something else, say its use when importing.",
    ),
    "columns_not_readable": Words(
        ("Columns of structures were left out: {columns:names}.",),
        "If they matter, write them as text or as lists of text.",
    ),
    "column_names_cut": Words(
        ("Names of columns that are longer than {characters:n} characters were cut: {columns:names}.",),
        "If a text stands where names should, name the row of the header.",
    ),
    "columns_left_out": Words(
        (
            "The file has more columns than an import may have: columns that repeat a name many times were left out: "
            "{columns:names}.",
        ),
        "Nothing to do, unless one of them matters: then export fewer columns.",
    ),
    "contradicting_duplicates": Words(
        (
            Counted(
                "{tickets:n} ticket shares its text with another ticket that has a different {attribute}.",
                "{tickets:n} tickets share their text with another ticket that has a different {attribute}.",
                "tickets",
            ),
        ),
        "No model can be right on all of them. Agree on one label for such texts, or accept that limit.",
    ),
    "control_characters": Words(
        (
            Counted(
                "{texts:n} text held control characters, which were replaced by blanks.",
                "{texts:n} texts held control characters, which were replaced by blanks.",
                "texts",
            ),
        ),
        "If texts look damaged, check the encoding of the export.",
    ),
    "dates_read_day_first": Words(
        (
            "Dates of “{column}” such as {example} can be read in two ways, and nothing in the file settles which is "
            "right. They were read day first.",
        ),
        "If the month comes first, say so when importing.",
    ),
    "dates_read_month_first": Words(
        (
            "Dates of “{column}” such as {example} can be read in two ways, and nothing in the file settles which is "
            "right. They were read month first.",
        ),
        "If the day comes first, say so when importing.",
    ),
    "duplicate_tickets": Words(
        (
            Counted(
                "{tickets:n} ticket ({share:percent1}) repeats the text of an earlier one.",
                "{tickets:n} tickets ({share:percent1}) repeat the text of an earlier one.",
                "tickets",
            ),
        ),
        "Nothing to do: a text and its repetitions always stay on one side of the holdout split, so that they do not "
        "flatter it.",
    ),
    "empty_tickets": Words(
        (
            Counted(
                "{tickets:n} ticket ({share:percent1}) has neither subject nor body.",
                "{tickets:n} tickets ({share:percent1}) have neither subject nor body.",
                "tickets",
            ),
        ),
        "They are left out of training. If they should have text, check which columns were taken for subject and body.",
    ),
    "encoding_mended": Words(
        (
            Counted(
                "{texts:n} text had been read in a wrong encoding before it was exported and was mended, such as "
                "“{example}”.",
                "{texts:n} texts had been read in a wrong encoding before they were exported and were mended, such as "
                "“{example}”.",
                "texts",
            ),
        ),
        "Nothing to do.",
    ),
    "encodings_mixed": Words(
        (
            "Some lines are in UTF-8 and others in another encoding, as where two files were joined. Each was read in "
            "its own.",
        ),
        "Check a few texts with umlauts or accents.",
    ),
    "tables_joined": Words(
        ("These hold more about the same tickets and joined them by their ids: {files:names}.",),
        "Nothing to do. If they are something else, import the tickets alone.",
    ),
    "files_chosen": Words(
        (
            "Of the archive these files were read as one table: {files:names}. Left out: {left_out:names}.",
            "Of the archive these files were read as one table: {files:names}.",
        ),
        "What was left out is something else: import it alone, if it holds tickets of its own.",
    ),
    "footer_left_out": Words(
        (
            Counted(
                "{rows:n} row below the tickets is a total or notes of a report, and no ticket: “{example}”.",
                "{rows:n} rows below the tickets are a total or notes of a report, and no tickets: “{example}”.",
                "rows",
            ),
        ),
        "Nothing to do. If they are tickets, fill more of their cells.",
    ),
    "header_found_below": Words(
        (
            Counted(
                "{rows:n} row above the header is a title or notes, and no ticket.",
                "{rows:n} rows above the header are a title or notes, and no tickets.",
                "rows",
            ),
        ),
        "Nothing to do. If another row names the columns, say which.",
    ),
    "headers_repeated": Words(
        (
            Counted(
                "The header stands again among the tickets, as in files joined end to end ({times:n} time); it is no "
                "ticket.",
                "The header stands again among the tickets, as in files joined end to end ({times:n} times); it is no "
                "ticket.",
                "times",
            ),
        ),
        "Nothing to do.",
    ),
    "html_became_text": Words(
        (
            Counted(
                "{texts:n} text was HTML and was turned into plain text.",
                "{texts:n} texts were HTML and were turned into plain text.",
                "texts",
            ),
        ),
        "Nothing to do. New tickets are treated alike.",
    ),
    "label_given_away": Words(
        (
            "In {coverage:percent} of the tickets stand lines, sentences, names, addresses or numbers that nearly "
            "decide {attribute}, such as {shown:names}. A quick model that reads them is right on {with_lines:percent} "
            "of tickets of {measured_labels:n} of its {labels:n} labels; without these lines {right_of_100:n} of 100 "
            "of them would be right.",
            "In {coverage:percent} of the tickets stand lines, sentences, names, addresses or numbers that nearly "
            "decide {attribute}, such as {shown:names}. A quick model that reads them is right on "
            "{with_lines:percent}; without these lines {right_of_100:n} of 100 would be right.",
            "In {coverage:percent} of the tickets stand lines, sentences, names, addresses or numbers that nearly "
            "decide {attribute}. A quick model that reads them is right on {with_lines:percent}; without these lines "
            "it would be right on {without:percent}.",
        ),
        "If they are written only after someone decided it (a signature, a note of routing), new tickets will not have "
        "them. Cut them.",
    ),
    "label_in_text": Words(
        (
            "In {share:percent} of the tickets the text contains their own {attribute}, {lift:n} times as often as by "
            "chance.",
        ),
        "If it is written there only after someone decided it, remove it from the text: new tickets will not have it, "
        "and the model would lean on it.",
    ),
    "lines_left": Words(
        (
            "{attribute}: {left:n} further lines, sentences, names, addresses or numbers nearly decide it, more than "
            "are cut at once.",
        ),
        "Cut these lines: the version without them is looked at again, and says what is left.",
    ),
    "lines_not_measured": Words(
        (
            Counted(
                "{attributes:n} further attribute is nearly decided by lines, sentences, names, addresses or numbers; "
                "what they are worth was not measured: {named:names}.",
                "{attributes:n} further attributes are nearly decided by lines, sentences, names, addresses or "
                "numbers; what they are worth was not measured: {named:names}.",
                "attributes",
            ),
        ),
        "Import fewer columns as attributes, or more tickets of each label; then each is measured.",
    ),
    "labels_came": Words(
        ("{attribute}: labels that came since version {version:n}: {named:names}.",),
        "A model that learnt from the version before does not know them. Train again to teach it.",
    ),
    "labels_went": Words(
        ("{attribute}: labels that went since version {version:n}: {named:names}.",),
        "A model that learnt from the version before still answers with them. Train again if that matters.",
    ),
    "labels_are_personal": Words(
        (
            Counted(
                "{labels:n} label of {attribute} is a mail address or other personal data ({shown:words}). A model "
                "answers with it: models, exports and report cards carry it, whether texts are masked or not.",
                "{labels:n} labels of {attribute} are mail addresses or other personal data ({shown:words}). A model "
                "answers with them: models, exports and report cards carry them, whether texts are masked or not.",
                "labels",
            ),
        ),
        "If they must not leave your house, give them other names (numbers will do) or leave {attribute} out of the "
        "training.",
    ),
    "labels_look_alike": Words(
        (
            Counted(
                "{group_count:n} group of labels of {attribute} differs only in case, blanks or punctuation: "
                "{alike:names}.",
                "{group_count:n} groups of labels of {attribute} differ only in case, blanks or punctuation: "
                "{alike:names}.",
                "group_count",
            ),
            "Labels of {attribute} differ only in case, blanks or punctuation.",
        ),
        "If they mean the same, join them, or write them the same way in the source and import again: the model learns "
        "them as different.",
    ),
    "labels_missing_in_words": Words(
        (
            Counted(
                "In {rows:n} row {attribute} says {words:names} or the like; this is taken as missing.",
                "In {rows:n} rows {attribute} says {words:names} or the like; this is taken as missing.",
                "rows",
            ),
            Counted(
                "In {tickets:n} ticket {attribute} says {words:names} or the like; this is taken as missing.",
                "In {tickets:n} tickets {attribute} says {words:names} or the like; this is taken as missing.",
                "tickets",
            ),
        ),
        "Nothing to do. If it is a label, give it a name.",
    ),
    "labels_outside_the_order": Words(
        ("{attribute} was given an order, and has other labels too: {labels:names}.",),
        "Name every label in the order when importing.",
    ),
    "language_unknown": Words(
        ("For {share:percent} of the tickets the language could not be told, mostly because the text is short.",),
        "If a column of your file names the language, say so when importing.",
    ),
    "languages_not_read": Words(
        (
            Counted(
                "In {rows:n} row the language named is none that is known.",
                "In {rows:n} rows the language named is none that is known.",
                "rows",
            ),
            Counted(
                "In {tickets:n} ticket the language named is none that is known.",
                "In {tickets:n} tickets the language named is none that is known.",
                "tickets",
            ),
        ),
        "They are kept without a language. Use codes such as en and de.",
    ),
    "line_breaks_written_out": Words(
        (
            Counted(
                "In {texts:n} text line breaks were written as the two characters \\n; they were read as line breaks.",
                "In {texts:n} texts line breaks were written as the two characters \\n; they were read as line breaks.",
                "texts",
            ),
        ),
        "Nothing to do.",
    ),
    "lines_were_cut": Words(
        (
            "Lines that give labels away were cut from {tickets:n} of {of:n} tickets. New tickets are cut alike when "
            "they are predicted.",
        ),
        "Nothing to do. The version before keeps them.",
    ),
    "many_labels": Words(
        ("{attribute} has {labels:n} labels, each with few tickets.",),
        "Check that it is not a name or a number. A coarser attribute (its parent category) is learnt far better.",
    ),
    "messages_joined": Words(
        (
            "{rows:n} rows are messages of {tickets:n} tickets: rows of one id belong together. The text of a ticket "
            "is the customer's first message by “{column}”; its labels are what they were last.",
            "{rows:n} rows are messages of {tickets:n} tickets: rows of one id belong together. The text of a ticket "
            "is the customer's first message, by their times if they have any; its labels are what they were last.",
        ),
        "If each row is a ticket of its own, take another column for the id, or none.",
    ),
    "missing_labels": Words(
        (
            Counted(
                "{tickets:n} ticket ({share:percent1}) has no {attribute}.",
                "{tickets:n} tickets ({share:percent1}) have no {attribute}.",
                "tickets",
            ),
        ),
        "They still help to learn the other attributes. Label them to make this one better.",
    ),
    "newest_row_won": Words(
        (
            Counted(
                "{repeated:n} row has an id that another row has: of each ticket the one changed last by “{updated}” "
                "was taken, {tickets:n} tickets in all.",
                "{repeated:n} rows have an id that another row has: of each ticket the one changed last by “{updated}” "
                "was taken, {tickets:n} tickets in all.",
                "repeated",
            ),
            Counted(
                "{repeated:n} row has an id that another row has: of each ticket the one created last by “{created}” "
                "was taken, and of those created at one time the last one in the files; {tickets:n} tickets in all.",
                "{repeated:n} rows have an id that another row has: of each ticket the one created last by “{created}” "
                "was taken, and of those created at one time the last one in the files; {tickets:n} tickets in all.",
                "repeated",
            ),
            Counted(
                "{repeated:n} row has an id that another row has: of each ticket the last one in the files was taken, "
                "{tickets:n} tickets in all.",
                "{repeated:n} rows have an id that another row has: of each ticket the last one in the files was "
                "taken, {tickets:n} tickets in all.",
                "repeated",
            ),
            "Some rows have an id that an earlier row has: the newest row of a ticket was taken, {tickets:n} tickets "
            "in all.",
        ),
        "Nothing to do, if the later row is the newer state of the ticket. If the column is no id, leave it out.",
    ),
    "no_attributes": Words(
        ("No column was taken for an attribute, so there is nothing to learn yet.",),
        "Name one when importing.",
    ),
    "no_header": Words(
        (
            "The file has no header: its first row looks like a ticket and names no columns, so that columns have "
            "numbers for names.",
        ),
        "Add a row with names, or say which row has them.",
    ),
    "one_label_dominates": Words(
        ("{share:percent} of the labelled tickets have {attribute} “{label}”.",),
        "Always answering that would already be right as often. Look at the report card's macro F1, not at accuracy.",
    ),
    "personal_data": Words(
        (
            "{rows:n} of {looked_at:n} rows looked at, several of which are one ticket, held personal data: "
            "{by_kind:parts}. For example {shown:words}.",
            "{tickets:n} of {looked_at:n} tickets looked at held personal data: {by_kind:parts}. For example "
            "{shown:words}.",
            "{tickets:n} of {looked_at:n} tickets looked at held personal data: {by_kind:parts}.",
        ),
        (
            "They were replaced by their kind in {masked_rows:n} of the rows looked at, and new tickets are masked "
            "alike.",
            "They were replaced by their kind in {masked_tickets:n} of the tickets looked at, and new tickets are "
            "masked alike.",
            "A model keeps no word of a ticket, only hashes. To store the tickets without such data, import the file "
            "again and have it replaced: new tickets are then masked alike.",
        ),
        page="The box for it is below the columns.",
        api="That is mask: true.",
    ),
    "rare_labels": Words(
        (
            Counted(
                "{labels:n} label of {attribute} has fewer than {fewest:n} training tickets: {examples:names}.",
                "{labels:n} labels of {attribute} have fewer than {fewest:n} training tickets, among them "
                "{examples:names}.",
                "labels",
            ),
        ),
        "They are left out of training (a model never answers with them). Bring {fewest:n} tickets of each, or merge "
        "them.",
    ),
    "rows_in_groups": Words(
        (
            Counted(
                "The rows stand in groups, each below its name: {groups:names}. The column “{column}” says it of each "
                "ticket. {rows:n} row sums a group up or is a subitem, and is no ticket.",
                "The rows stand in groups, each below its name: {groups:names}. The column “{column}” says it of each "
                "ticket. {rows:n} rows sum a group up or are subitems, and are no tickets.",
                "rows",
            ),
        ),
        "Nothing to do. If the groups say when, or how far a ticket is, leave the column out.",
    ),
    "sheets_chosen": Words(
        (
            "Of the workbook these sheets were read: {sheets:names}. Left out: {left_out:names}.",
            "Of the workbook these sheets were read: {sheets:names}.",
        ),
        "If another sheet has the tickets, name it.",
    ),
    "split_values_unknown": Words(
        ("The split column holds values other than train and test: {odd:names}.",),
        "These tickets are neither learnt from nor tested on.",
    ),
    "test_tickets_in_training": Words(
        (
            Counted(
                "{tickets:n} test ticket has the same text as a training ticket.",
                "{tickets:n} test tickets have the same text as a training ticket.",
                "tickets",
            ),
        ),
        "Figures on the test part will look better than the model is. Remove them from either part.",
    ),
    "text_was_cut": Words(
        (
            "{rows:n} of {of:n} rows, several of which are one ticket, held more than the message itself. Cut were: "
            "{by_kind:parts}. For example {shown:names}.",
            "{tickets:n} of {all:n} tickets held more than the customer's own message. Cut were: {by_kind:parts}. For "
            "example {shown:names}.",
            Counted(
                "{tickets:n} ticket held more than the customer's own message. Cut were: {by_kind:parts}.",
                "{tickets:n} tickets held more than the customer's own message. Cut were: {by_kind:parts}.",
                "tickets",
            ),
        ),
        "Nothing to do: new tickets are cut alike when they are predicted, and the data set keeps what was cut.",
    ),
    "texts_are_short": Words(
        ("Half of the tickets have at most {median_characters:n} characters of text.",),
        "Check that the right column was taken for the body; a few words rarely decide a label.",
    ),
    "texts_look_damaged": Words(
        (
            Counted(
                "{texts:n} text looks damaged, such as “{example}”: it was read or written in a wrong encoding before.",
                "{texts:n} texts look damaged, such as “{example}”: they were read or written in a wrong encoding "
                "before.",
                "texts",
            ),
        ),
        "Export them again, best in UTF-8. A model learns damaged words as words of their own.",
    ),
    "messages_without_ticket": Words(
        (
            "“{column}” numbers messages, and no column says of which ticket they are: each became a ticket, "
            "also what the desk answered.",
        ),
        "Export them with the ticket's number, and import again.",
    ),
    "no_subject": Words(
        (
            "No column was taken for the subject, only “{body}” for the text; “{column}” holds short texts and is not "
            "used.",
        ),
        "If it is what the customer wrote as subject, import the file again with this column as the subject: a model "
        "then reads both.",
    ),
    "threads_became_tickets": Words(
        (
            Counted(
                "In {rows:n} row a column holds all messages of the conversation; the customer's first one was taken.",
                "In {rows:n} rows a column holds all messages of the conversation; the customer's first one was taken.",
                "rows",
            ),
            Counted(
                "In {tickets:n} ticket a column holds all messages of the conversation; the customer's first one was "
                "taken.",
                "In {tickets:n} tickets a column holds all messages of the conversation; the customer's first one was "
                "taken.",
                "tickets",
            ),
        ),
        "Nothing to do: what came later is not there when a new ticket comes in.",
    ),
    "ticket_ids_repeated": Words(
        (
            Counted(
                "{tickets:n} ticket has an id that an earlier one has; its row was added to it.",
                "{tickets:n} tickets have an id that an earlier one has; their row was added to it.",
                "tickets",
            ),
        ),
        "If rows are messages of one ticket rather than tickets, export one row a ticket.",
    ),
    "times_not_read": Words(
        (
            Counted(
                "In {rows:n} row the time cannot be read, such as “{example}”.",
                "In {rows:n} rows the time cannot be read, such as “{example}”.",
                "rows",
            ),
            Counted(
                "In {tickets:n} ticket the time cannot be read, such as “{example}”.",
                "In {tickets:n} tickets the time cannot be read, such as “{example}”.",
                "tickets",
            ),
        ),
        "They are kept without a time. Training does not need it.",
    ),
    "versions_compared": Words(
        (
            "Since version {version:n}: tickets that came: {came:n}; that have another text or label: {changed:n}; "
            "that went: {went:n}; as they were: {same:n}.",
        ),
        "Nothing to do. The version before stays as it was.",
    ),
    "wiki_markup_became_text": Words(
        (
            Counted(
                "{texts:n} text had wiki markup (of Jira, say), which was turned into plain text.",
                "{texts:n} texts had wiki markup (of Jira, say), which was turned into plain text.",
                "texts",
            ),
        ),
        "Nothing to do.",
    ),
}
