"""The pages' addresses. First steps that are not an organisation's are reserved words (orgs.operations.RESERVED_SLUGS)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from otai.web.views import front, home

app_name = "web"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front.front_door, name="front_door"),
    path("studio/theme", front.theme, name="theme"),
    path("<slug:slug>/", home.home, name="home"),
]
