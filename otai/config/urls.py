"""The URL table. The doors `web` and `api` are mounted here as they open."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from otai.api import application, watching
from otai.api.stripe_webhook import stripe_webhook
from otai.web.accounts.desk import open_our_tables
from otai.web.accounts.typed_again import too_many
from otai.web.accounts.views import confirming
from otai.web.accounts.views.address import AddressView
from otai.web.views import impersonating
from otai.web.views.desk import before_strangers

# Before the desk's addresses are asked for: the modules `admin` of all rooms say what stands there.
open_our_tables()

handler429 = too_many

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/before-strangers/", admin.site.admin_view(before_strangers), name="before-strangers"),
    path("desk/look-as/<uuid:organisation>/", admin.site.admin_view(impersonating.begin), name="impersonate"),
    path("desk/", admin.site.urls),
    path("webhooks/stripe", stripe_webhook, name="stripe-webhook"),
    path("health/live", watching.live, name="live"),
    path("health/ready", watching.ready, name="ready"),
    path("metrics", watching.metrics, name="metrics"),
    # In the place of allauth's pages of these addresses and names.
    path("account/confirm-email/", confirming.look_into_your_mail, name="account_email_verification_sent"),
    path("account/email/", AddressView.as_view(), name="account_email"),
    path("account/", include("allauth.account.urls")),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("api/", include((application.urls(), "api"))),
    path("i18n/language", set_language, name="set_language"),
    path("", include("otai.web.urls")),
]
