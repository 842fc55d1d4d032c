"""What is refused about people, organisations and their credits."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "already_member.member": said(
        "{email} is in {organisation} already.",
    ),
    "duplicate_request.key": said(
        "The key {key:quoted} was used for another request. Use a new key for a new request.",
        page="Load the page anew and try again.",
    ),
    "hold_resolved.hold": said(
        "This hold was {state:state} before.",
    ),
    "insufficient_credits.available": said(
        Counted(
            "This needs {needed:n} credit (available: {available:n}).",
            "This needs {needed:n} credits (available: {available:n}).",
            "needed",
        ),
    ),
    "invalid_api_key.expires_at": said(
        "A key cannot expire in the past.",
    ),
    "invalid_api_key.name": said(
        "A key needs a name of 1 to 100 printable characters, so that you know it again.",
    ),
    "invalid_api_key.scope": said(
        "There is no scope {scope:quoted}. The scopes are {known:words}.",
    ),
    "invalid_api_key.scopes": said(
        "A key needs at least one scope: {known:words}.",
    ),
    "invalid_invitation.email": said(
        "{email:quoted} is no mail address.",
    ),
    "invalid_invitation.long": said(
        "A mail address has at most 254 characters.",
    ),
    "invalid_organisation.name": said(
        "An organisation needs a name of 1 to 200 printable characters.",
    ),
    "invalid_organisation.slug": said(
        (
            "The short name {slug:quoted} cannot be used: 1 to 63 lower-case letters, digits and hyphens, "
            "beginning and ending with a letter or digit. For example: acme."
        ),
    ),
    "invalid_organisation.slug_of_ours": said(
        (
            "The short name {slug:quoted} is part of the product's own addresses. Choose another, for example: "
            "{slug}-team."
        ),
    ),
    "invalid_organisation.time_zone": said(
        "There is no time zone {time_zone:quoted}. Use an IANA name such as Europe/Berlin or UTC.",
    ),
    "invitation_for_another.another": said(
        (
            "This invitation is for {email}, and you are signed in as {you}. Sign in as {email}, or ask for an "
            "invitation of your own."
        ),
    ),
    "invitation_over.expired": said(
        "This invitation was good until {until:date}. Ask {organisation} for a new one.",
    ),
    "invitation_over.used": said(
        "This invitation was used already. Ask {organisation} for a new one.",
    ),
    "invitation_over.withdrawn": said(
        "This invitation was withdrawn. Ask {organisation} for a new one.",
    ),
    "invitation_unknown": said(
        "This invitation link is not one of ours. Was it copied completely?",
    ),
    "invitation_unconfirmed.unconfirmed": said(
        "Confirm the mail address {email} first: the link is in the mail that we sent there.",
    ),
    "invalid_impersonation.why": said(
        "Say why, in 1 to {most:n} characters: the owners read it.",
    ),
    "looks_only.looks_only": said(
        "You look at this as a member does. Nothing can be changed, bought or downloaded meanwhile.",
    ),
    "language_unknown.language": said(
        "The Studio speaks {known}, not {language:quoted}.",
    ),
    "last_owner.owner": said(
        "{email} is the only owner. Make another member an owner first.",
    ),
    "legal_page_unreadable.file": said(
        "This page cannot be shown at present. Ask whoever runs this installation.",
    ),
    "not_found.legal_page": said(
        "There is no such page here.",
    ),
    "not_found.invitation": said(
        "There is no such invitation.",
    ),
    "not_found.key": said(
        "There is no such key.",
    ),
    "not_found.export": said(
        "There is no such export, or its time is over. Ask for a new one.",
    ),
    "not_found.account": said(
        "There is no account with the address {email:quoted}.",
    ),
    "not_found.member": said(
        "There is no such member.",
    ),
    "not_found.no_organisation_yet": said(
        "There is no organisation yet.",
        command="Create one: otai org create acme --name 'Acme Ltd'.",
    ),
    "not_found.organisation": said(
        "There is no organisation {slug:quoted}.",
        command="`otai org list` shows those that exist.",
    ),
    "not_found.person": said(
        "Nobody here has the mail address {email}.",
    ),
    "not_found.session": said(
        "There is no such session.",
    ),
    "only_owner.owner": said(
        "Nobody else owns {names}. Make another member the owner, or delete it, and try again.",
    ),
    "operator_account.operator": said(
        "This is an operator's account. Take it from the operator's desk first, then it can be erased.",
    ),
    "already_here.rows": said(
        "Some of this export is in the installation already: import it into a fresh one.",
    ),
    "invalid_export.bomb": said(
        "{name:quoted} unpacks to far more than tickets do. The file was made to fill a disk.",
    ),
    "invalid_export.changed": said(
        "{name:quoted} is not what the export said of it. Make the export anew.",
    ),
    "invalid_export.files": said(
        "An export has at most {most:n} files.",
    ),
    "invalid_export.manifest": said(
        "This is no export of an organisation, or one of a release that is not known here.",
    ),
    "invalid_export.name": said(
        "An export has no file called {name:quoted}.",
    ),
    "invalid_export.row": said(
        "A row of {name:quoted} does not fit its table.",
    ),
    "invalid_export.size": said(
        "The export is larger than {most:n} bytes.",
    ),
    "invalid_export.twice": said(
        "Two files of the export have the same name.",
    ),
    "invalid_export.whole": said(
        "The export is not whole. Make it anew.",
    ),
    "invalid_export.zip": said(
        "This file is no zip, or it is damaged.",
    ),
    "invalid_retention.days": said(
        "A period is 1 to {most:n} days, or empty: then it is kept.",
    ),
    "too_many_exports.exports": said(
        "At most {most:n} exports are made in a day.",
        "Download one of those that are here, or ask again tomorrow.",
    ),
    "not_confirmed.email": said(
        "The mail address that was sent to confirm is not the account's.",
    ),
    "not_confirmed.organisation": said(
        "The name that was sent to confirm is not the organisation's short name.",
    ),
    "invalid_retention.hours": said(
        "Files wait for 1 to {most:n} hours; empty: a day.",
    ),
    "organisation_erased.erased": said(
        "The data of this organisation was erased on {on:date}: there is nothing to take back.",
    ),
    "organisation_closing.closing": said(
        "This organisation is being deleted on {until:date}, and can only be read until then.",
        page="An owner can take it back on the page Data.",
    ),
    "organisation_suspended.order": said(
        "This organisation has been suspended since {since:date}, and orders nothing until it is resumed: {why}",
    ),
    "organisation_exists.free": said(
        "No short name is free for {name:quoted} just now. Try again.",
    ),
    "organisation_exists.slug": said(
        "There is an organisation {slug:quoted} already. Choose another short name.",
    ),
    "organisation_not_named.many": said(
        "There is more than one organisation.",
        command="Say which: --org acme.",
    ),
    "role_unknown.role": said(
        "There is no role {role:quoted}. The roles are {known:words}.",
    ),
    "too_many_api_keys.keys": said(
        "There are {keys:n} usable keys. Revoke one that is not used any more.",
    ),
    "too_many_invitations.address": said(
        "{email} was invited {most:n} times within a day. Send the newest link yourself, or try again tomorrow.",
    ),
    "too_many_invitations.day": said(
        "{most:n} invitations were made within a day, as many as an organisation may. Try again tomorrow.",
    ),
    "too_many_invitations.open": said(
        "{waiting} invitations are open. Withdraw one, or wait until somebody accepts.",
    ),
    "too_many_organisations.all": said(
        "You have founded {most:n} organisations, as many as one person may. Write to us if you need more.",
    ),
    "too_many_organisations.day": said(
        "You have founded {most:n} organisations within a day, as many as one person may. Try again tomorrow.",
    ),
    "invalid_quota.most": said("A bound is a whole number, 0 or more."),
    "invalid_quota.why": said("A bound of its own has a reason of 1 to 500 characters."),
    "quota_reached.storage_bytes": said(
        "Your data sets, models and feedback take {used_mb:n}\u00a0MB of the {most_mb:n}\u00a0MB that you can "
        "have in {tier}, "
        "and this would be more. Delete data sets or models that nobody needs, take a higher tier, or ask us for more.",
    ),
    "quota_reached.data_sets": said(
        "You have {used:n} of the {most:n} data sets that you can have in {tier}. Delete one, import as a new version "
        "of one, take a higher tier, or ask us for more.",
    ),
    "quota_reached.waiting_uploads": said(
        "{used:n} of your files wait for somebody to say what their columns are, of {most:n} that can in {tier}. "
        "Import or delete one, or take a higher tier.",
    ),
    "quota_reached.open_quotes": said(
        "{used:n} of your quotes are open, of {most:n} that can be in {tier}. Order one, wait until one expires, half "
        "an hour at most, or take a higher tier.",
    ),
    "quota_reached.imports_at_once": said(
        "{used:n} of your imports are under way, of {most:n} at once in {tier}. Wait for one or cancel it, or take a "
        "higher tier.",
    ),
    "too_many_streams.streams": said(
        (
            "{limit:n} live streams are open already, the most at a time. Close one, ask now and then without a "
            "stream, or take a higher tier."
        ),
    ),
    "data_key_gone.gone": said("This file is encrypted with a key that was deleted: nobody can read it any more."),
    "secret_key_missing.changed": said(
        "What is sealed here was changed, or belongs elsewhere: it does not open. Ask whoever runs this Studio.",
        command="What is sealed under the secret key {id} was changed, or belongs elsewhere: it does not open.",
    ),
    "secret_key_missing.key": said(
        "What is sealed here needs the secret key {id}, which this Studio does not have. Ask whoever runs it.",
        command="This needs the secret key {id}, which is not here: name it in OTAI_OLD_SECRET_KEYS.",
    ),
}
