"""Sentences of allauth that people can still read. Named here so that our German for them is collected; allauth's own
changes its tone."""

from django.utils.translation import gettext_noop

SENTENCES = (
    gettext_noop("You must type the same password each time."),
    gettext_noop("Current Password"),
    gettext_noop("New Password"),
    gettext_noop("New Password (again)"),
    gettext_noop("Password"),
    gettext_noop("Password (again)"),
    gettext_noop("Use your password"),
    gettext_noop("Use authenticator app or code"),
    gettext_noop("Use a security key"),
    gettext_noop("Authenticator code"),
    gettext_noop("Code"),
    gettext_noop("Name"),
)
