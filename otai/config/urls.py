"""The URL table. The doors `web` and `api` are mounted here as they open."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
