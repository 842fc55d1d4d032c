"""Addresses of what is learnt from and what came of it: tickets, training, runs, models."""

from __future__ import annotations

from django.urls import URLPattern, path

from otai.web.views import advice, deleting, guarantee, jobs, models, runs, tickets, train

urlpatterns: list[URLPattern] = [
    path("<slug:slug>/tickets/", tickets.data_sets, name="tickets"),
    path("<slug:slug>/tickets/upload", tickets.upload, name="upload_tickets"),
    path("<slug:slug>/tickets/sample", tickets.sample, name="sample_tickets"),
    path("<slug:slug>/tickets/uploads/<uuid:upload>/", tickets.settle_upload, name="upload"),
    path("<slug:slug>/tickets/uploads/<uuid:upload>/read", tickets.read_upload, name="read_upload"),
    path("<slug:slug>/tickets/uploads/<uuid:upload>/drop", tickets.drop_upload, name="drop_upload"),
    path("<slug:slug>/tickets/<uuid:data_set>/", tickets.data_set, name="data_set"),
    path("<slug:slug>/tickets/<uuid:data_set>/sample", tickets.data_set_sample, name="data_set_sample"),
    path("<slug:slug>/tickets/<uuid:data_set>/delete", deleting.delete, name="delete_data_set"),
    path("<slug:slug>/jobs/<uuid:job>/", jobs.job, name="job"),
    path("<slug:slug>/jobs/<uuid:job>/now", jobs.now, name="job_now"),
    path("<slug:slug>/jobs/<uuid:job>/events", jobs.events, name="job_events"),
    path("<slug:slug>/jobs/<uuid:job>/cancel", jobs.cancel, name="cancel_job"),
    path("<slug:slug>/train/", train.train, name="train"),
    path("<slug:slug>/train/quality", train.quality, name="train_quality"),
    path("<slug:slug>/train/order", train.order, name="order"),
    path("<slug:slug>/runs/", runs.runs, name="runs"),
    path("<slug:slug>/runs/<int:number>/", runs.run, name="run"),
    path("<slug:slug>/runs/<int:number>/now", runs.now, name="run_now"),
    path("<slug:slug>/runs/<int:number>/events", runs.events, name="run_events"),
    path("<slug:slug>/runs/<int:number>/cancel", runs.cancel, name="cancel_run"),
    path("<slug:slug>/runs/<int:number>/attributes/<int:position>/", runs.attribute, name="run_attribute"),
    path("<slug:slug>/runs/<int:number>/report-card.json", runs.report_card_json, name="report_card_json"),
    path("<slug:slug>/runs/<int:number>/report-card.html", runs.report_card_html, name="report_card_html"),
    path("<slug:slug>/guarantee/", guarantee.guarantee, name="guarantee"),
    path("<slug:slug>/guarantee/propose", guarantee.propose, name="propose_criteria"),
    path("<slug:slug>/guarantee/order", guarantee.order_included, name="order_included"),
    path("<slug:slug>/guarantee/<slug:tier>/tickets.csv", guarantee.holdout, name="guarantee_holdout"),
    path("<slug:slug>/models/", models.models, name="models"),
    path("<slug:slug>/models/<uuid:model>/", models.model, name="model"),
    path("<slug:slug>/models/<uuid:model>/compare", models.compare, name="compare_versions"),
    path("<slug:slug>/models/<uuid:model>/<int:number>/model.otai", models.download, name="download_version"),
    path("<slug:slug>/models/<uuid:model>/<int:number>/live", models.go_live, name="go_live"),
    path("<slug:slug>/models/<uuid:model>/delete", models.delete, name="delete_model"),
    path("<slug:slug>/models/<uuid:model>/look", advice.look_now, name="look_now"),
    path("<slug:slug>/models/<uuid:model>/keep", advice.keep_tickets, name="keep_tickets"),
    path("<slug:slug>/models/<uuid:model>/feedback/", advice.feedback, name="model_feedback"),
    path("<slug:slug>/models/<uuid:model>/feedback/merge", advice.merge_feedback, name="merge_feedback"),
    path("<slug:slug>/models/<uuid:model>/<int:number>/feedback", advice.give_feedback, name="give_feedback"),
    path(
        "<slug:slug>/models/<uuid:model>/<int:number>/labels/<int:position>",
        advice.correct_labels,
        name="correct_labels",
    ),
    path("<slug:slug>/advice/<uuid:advice>/follow", advice.follow, name="follow_advice"),
    path("<slug:slug>/advice/<uuid:advice>/dismiss", advice.dismiss, name="dismiss_advice"),
    path("<slug:slug>/models/<uuid:model>/back", models.roll_back, name="roll_back"),
    path("<slug:slug>/models/<uuid:model>/<int:number>/try", models.try_it, name="try_version"),
]
