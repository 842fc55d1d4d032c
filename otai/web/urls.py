"""The pages' addresses. First steps that are not an organisation's are reserved words (orgs.operations.RESERVED_SLUGS)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from otai.web import training_urls
from otai.web.views import demo, front, home

app_name = "web"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front.front_door, name="front_door"),
    path("studio/theme", front.theme, name="theme"),
    path("studio/demo/<str:token>", demo.sign_in, name="demo_sign_in"),
    path("", include("otai.web.accounts.urls")),
    path("<slug:slug>/", home.home, name="home"),
    *training_urls.urlpatterns,
]
