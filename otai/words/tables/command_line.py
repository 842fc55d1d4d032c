"""What the command line alone refuses: in English."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "change_invalid.what": said("Say what to change: --rename OLD=NEW or --leave-out LABEL."),
    "confirmation_missing.relabel": said("Nobody is there to ask: pass --yes to change the labels."),
    "encryption_off.off": said(
        "Set OTAI_ENCRYPT_FILES=1 first, for every server and worker: new files are plain else."
    ),
    "not_found.former_key": said("No former secret key {id} lies in OTAI_HOME."),
    "secret_key_in_environment.rotate": said(
        "The secret key comes from OTAI_SECRET_KEY: set that to a new one, and OTAI_OLD_SECRET_KEYS to the present one."
    ),
    "secret_key_still_needed.hanging": said("Things that still hang on it: {things:n}. Run otai keys rewrap first."),
    "weak_password.password": said("{said}"),
    "name_missing.name": said("Say its short name as well, to confirm: otai org delete NAME --yes."),
    "confirmation_missing.delete": said(
        "Nobody is there to ask: pass --yes to delete.",
    ),
    "confirmation_missing.order": said(
        "Nobody is there to ask: pass --yes to order.",
    ),
    "criteria_not_agreed.first": said(
        "Agree on criteria first: otai guarantee propose.",
    ),
    "file_exists.file": said(
        "{path} exists already. Choose another name, or pass --overwrite.",
    ),
    "file_not_writable.file": said(
        "{file} cannot be written: {error}.",
    ),
    "file_unreadable.file": said(
        "{file} cannot be read: {error}",
    ),
    "invalid_amount.money": said(
        "{text:quoted} is no amount of money. Write it like 450 or 450.50.",
    ),
    "invalid_request.webhook_id": said(
        "{text:quoted} is no id of a webhook {what}.",
    ),
    "invalid_setting.base_url": said(
        "OTAI_BASE_URL is {text:quoted}; an address looks like https://studio.example.",
    ),
    "invalid_setting.base_url_path": said(
        "OTAI_BASE_URL is {text:quoted}, but the Studio has a host of its own and no path: {instead}",
    ),
    "invalid_setting.colour": said(
        "{name} is {text:quoted}; a colour looks like #0f766e.",
    ),
    "invalid_setting.colour_contrast": said(
        "In {name} {text} words could hardly be read: their contrast is {contrast}, and {enough} is needed. This one "
        "of the same hue would do: {instead}",
    ),
    "invalid_setting.colour_light": said(
        "OTAI_COLOUR_DARK is for dark pages beside OTAI_COLOUR: set that, too.",
    ),
    "invalid_setting.legal_page": said(
        "{setting} has {text:quoted}; each part is a web address or the absolute path of a .md or .txt file, such as "
        "de=https://vendor.example/agb, and a language is named once.",
    ),
    "invalid_setting.logo": said(
        "OTAI_LOGO is {text:quoted}; it is a PNG file of at most {kib}\u00a0KiB, and {pixels} pixels on each side.",
    ),
    "invalid_setting.studio_name": said(
        "OTAI_NAME is {text:quoted}; it has at most {most} letters, digits and signs, without < > @ and quotes.",
    ),
    "invalid_setting.language": said(
        "OTAI_LANGUAGES names {name:quoted}; the languages that have catalogues here are {here:words}.",
    ),
    "invalid_setting.number": said(
        "{name} is {text:quoted}; it is a whole number from {least} to {most}, for example {example}.",
    ),
    "invalid_setting.database": said(
        "OTAI_DATABASE_URL begins with {scheme:quoted} and is no address of a database; it is one of PostgreSQL or "
        "SQLite, for example postgres://otai@localhost/otai.",
    ),
    "invalid_setting.switch": said(
        "{name} is {text:quoted}; it is 1 (on) or 0 (off), for example {name}=1.",
    ),
    "invalid_setting.choice": said(
        "{name} is {text:quoted}; it is one of {known:words}, for example {name}={example}.",
    ),
    "invalid_time_zone.time_zone": said(
        "There is no time zone {name:quoted}. Use an IANA name such as Europe/Berlin.",
    ),
    "key_missing.listening": said(
        "Listening on {host} without a key lets everybody there ask. Pass --key, or set OTAI_SERVE_KEY.",
    ),
    "label_too_rare.nothing_to_train": said(
        "{data_set} has no attribute with at least two labels of 5 tickets each.",
        command="See: otai tickets profile {name}",
    ),
    "mail_address_taken.operator": said(
        "{email} is the mail address of somebody else. Operators sign in with one of their own.",
    ),
    "no_such_folder.folder": said(
        "There is no folder {parent}. Create it first.",
    ),
    "no_tickets.tickets": said(
        "Give tickets as arguments, or on standard input, one a line.",
    ),
    "not_a_demo.installation": said(
        "Only the demo's installation signs somebody in by itself. `make demo` makes one in .demo.",
    ),
    "not_a_demo.machine": said(
        "The demo is served to this machine only: leave out --host.",
    ),
    "not_found.advice_id": said(
        "{found:n} pieces of advice end with {id:quoted}: otai advice list.",
    ),
    "not_found.no_file": said(
        "There is no file {path}.",
    ),
    "not_found.no_key": said(
        "{organisation} has no key {prefix:quoted}. `otai org keys list` shows those there are.",
    ),
    "not_found.no_vendor_key": said(
        "There is no vendor key {prefix:quoted}. `otai vendor-keys list` shows those there are.",
    ),
    "not_found.not_in_team": said(
        "{email} is not in {organisation}. `otai org members` shows who is.",
    ),
    "not_initialised.database": said(
        "The database cannot be reached: {error}. Is this installation set up? otai init",
    ),
    "not_initialised.init": said(
        "This installation is not set up yet. Run: otai init",
    ),
    "nothing_to_price.what": said(
        "Say what to price: --attributes 7, or --data-set NAME to count those of your tickets.",
    ),
    "rows_unreadable.rows": said(
        "{rows:n} rows cannot be read and have no prediction: {listed}. The other {predicted:n} are predicted.",
    ),
    "version_missing.version": said(
        "Name one version (--version 2), or say --all-versions.",
    ),
}
