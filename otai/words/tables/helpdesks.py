"""What is refused about helpdesks that tickets are read from."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "helpdesk_refused.answered": said("The helpdesk answered {path} with {status}."),
    "helpdesk_refused.large": said("The helpdesk's answer to {path} is larger than {most:n}\u00a0MiB."),
    "helpdesk_refused.not_there": said("There is no {path} at this address. Is {system} there?"),
    "helpdesk_refused.redirected": said(
        "The helpdesk sends whoever asks for {path} on to {to:quoted}. Give the address where it answers itself."
    ),
    "helpdesk_refused.rights": said("The token may not read {path}. docs/helpdesks says which rights it needs."),
    "helpdesk_refused.token": said("The helpdesk does not accept the token."),
    "helpdesk_refused.unexpected": said("What is at {path} is no answer of {system}. Is {system} at this address?"),
    "helpdesk_unavailable.address": said("The helpdesk cannot be reached: {why:fact}."),
    "helpdesk_unavailable.answered": said("The helpdesk failed at {path} with {status}."),
    "helpdesk_unavailable.broken": said("The connection to the helpdesk failed: {error}."),
    "helpdesk_unavailable.busy": said("The helpdesk is too busy for {path} ({status}). Try again later."),
    "helpdesk_unavailable.slow": said("The helpdesk did not answer {path} within {seconds:n} seconds."),
    "invalid_helpdesk_address.form": said(
        "A helpdesk's address is a URL of ASCII characters, without user, password and parameters."
    ),
    "invalid_helpdesk_address.private": said(
        "{host} is no public address.",
        command="OTAI_HELPDESKS_ALLOW_PRIVATE=1 allows helpdesks in a private network.",
    ),
    "invalid_helpdesk_address.scheme": said("A helpdesk's address begins with {scheme}:// and names a host."),
    "helpdesk_name_taken.name": said("There is a helpdesk called {name:quoted} already. Give another name."),
    "invalid_helpdesk_connection.name": said("A name has up to {most:n} printable characters."),
    "invalid_helpdesk_connection.names": said(
        "Up to {most:n} queues or fields can be chosen, each of up to {characters:n} printable characters."
    ),
    "invalid_helpdesk_connection.token_again": said(
        "Another address needs the token anew: a kept token is sent to no other server."
    ),
    "not_found.helpdesk": said("There is no such helpdesk."),
    "too_many_helpdesk_connections.connections": said(
        "There are {most:n} helpdesks already. Disconnect one that is not used."
    ),
    "invalid_helpdesk_token.form": said("A helpdesk's token is a line of printable characters."),
    "no_tickets_at_helpdesk.none": said("The helpdesk has no tickets that were asked for."),
}
