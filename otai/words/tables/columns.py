"""What is refused about the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "dataset_invalid.attribute_name": said(
        "An attribute's name has 1 to 200 characters, on one line.",
    ),
    "dataset_invalid.attribute_name_twice": said(
        "Two attributes are called {name:quoted}.",
    ),
    "dataset_invalid.column_twice": said(
        "The column {column:quoted} is named twice, as {before:role} and as {use:role}.",
    ),
    "dataset_invalid.labels": said(
        ("{attribute} has more than {most:n} different labels; that is the most. It looks like a name or a number."),
        page="Leave the column out.",
        api="Leave it out: ignore={column}.",
        command="Leave it out with --ignore {column:quoted}.",
    ),
    "dataset_invalid.multi_form": said(
        "{text:quoted} is neither NAME:SEPARATOR nor NAME=COLUMN_1,COLUMN_2.",
        command="The option is --multi.",
    ),
    "dataset_invalid.no_column": said(
        "There is no column {column:quoted}. The file has: {columns:names}.",
    ),
    "dataset_invalid.no_order": said(
        "The order of {attribute:quoted} cannot be told from its labels ({labels:names}).",
        page="Write its labels beside it, from low to high: low < medium < high.",
        api="Give it: ordered={attribute}=low,medium,high.",
        command="Give it: --ordered {attribute}=low,medium,high.",
    ),
    "dataset_invalid.no_text_column": said(
        "No column is the text of the ticket.",
        page="Take one as subject or body.",
        api="Name one: column=COLUMN=body.",
        command="Name one as subject or body: --column COLUMN=body.",
    ),
    "dataset_invalid.no_text_found": said(
        "No column looks like the text of a ticket. The columns are: {columns:names}.",
        page="Take one as subject or body.",
        api="Name it: column=COLUMN=body.",
        command="Name it: --column COLUMN=body.",
    ),
    "dataset_invalid.order_form": said(
        "{text:quoted} is not NAME=LOW,..,HIGH with each label once.",
        page="Write the labels from low to high, with commas between them.",
        command="The option is --ordered.",
    ),
    "dataset_invalid.role_form": said(
        "{text:quoted} is not COLUMN=ROLE. Roles: {known:words}.",
        command="The option is --column.",
    ),
    "dataset_invalid.role_twice": said(
        "Both {first:quoted} and {column:quoted} are named as {use:role}; it can be one.",
    ),
}
