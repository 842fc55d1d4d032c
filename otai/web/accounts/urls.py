"""Addresses of people and teams; part of the names `web:...`. allauth's own pages are below /account/
(config/urls.py)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from otai.web.accounts.views import access, keys, people, privacy, sessions, team

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/organisations/", people.organisations, name="organisations"),
    path("account/invitations/<uuid:invitation>/join/", people.join_invited, name="join_invited"),
    path("account/erase/", privacy.erase_account, name="erase_account"),
    path("account/erased/", privacy.account_erased, name="account_erased"),
    path("account/export.zip", privacy.export_account, name="export_account"),
    path("account/join/<str:token>/", people.join, name="join"),
    path("account/sessions/", sessions.sessions, name="sessions"),
    path("account/sessions/others/end", sessions.end_others, name="end_other_sessions"),
    path("account/sessions/<int:session>/end", sessions.end, name="end_session"),
    path("<slug:slug>/team/", team.team, name="team"),
    path("<slug:slug>/team/invite/", team.invite, name="invite"),
    path("<slug:slug>/team/invitations/<uuid:invitation>/withdraw/", team.withdraw, name="withdraw_invitation"),
    path("<slug:slug>/team/members/<uuid:member>/role/", team.change_role, name="change_role"),
    path("<slug:slug>/team/members/<uuid:member>/remove/", team.remove, name="remove_member"),
    path("<slug:slug>/team/leave/", team.leave, name="leave"),
    path("<slug:slug>/team/keys/", keys.keys, name="keys"),
    path("<slug:slug>/team/keys/<uuid:key>/revoke/", keys.revoke, name="revoke_key"),
    path("<slug:slug>/team/organisation/", team.organisation, name="organisation"),
    path("<slug:slug>/team/access/", access.access, name="access"),
    path("<slug:slug>/team/access.jsonl", access.access_lines, name="access_lines"),
    path("<slug:slug>/team/organisation/second-factor/", team.second_factor, name="ask_second_factor"),
    path("<slug:slug>/team/data/", privacy.data, name="organisation_data"),
    path("<slug:slug>/team/data/delete/", privacy.delete_organisation, name="delete_organisation"),
    path("<slug:slug>/team/data/keep/", privacy.keep_organisation, name="keep_organisation"),
    path("<slug:slug>/team/data/export/", privacy.ask_for_export, name="ask_for_export"),
    path("<slug:slug>/team/data/exports/<uuid:export>.zip", privacy.download_export, name="download_export"),
    path("<slug:slug>/account/", people.profile, name="profile"),
]
