from django.urls import path

from jinzhi.network.operations import metrics, views, views_ledgers, views_work

urlpatterns = [
    path("metrics", metrics.metrics, name="metrics"),
    path("office/operations/", views.overview, name="operations-console"),
    path("office/operations/nodes/<str:code>/", views.node, name="operations-node"),
    path("office/operations/alarms/", views.alarm_list, name="operations-alarms"),
    path("office/operations/alarms/<int:key>/", views.alarm, name="operations-alarm"),
    path("office/operations/alarms/<int:key>/acknowledge/", views.acknowledge, name="operations-acknowledge"),
    path("office/operations/faults/", views_work.cases, {"kind": "faults"}, name="operations-faults"),
    path("office/operations/changes/", views_work.cases, {"kind": "changes"}, name="operations-changes"),
    path(
        "office/operations/incidents/", views_work.cases, {"kind": "incidents"}, name="operations-incidents"
    ),
    path("office/operations/new/<slug:kind>/", views_work.begin, name="operations-begin"),
    path("office/operations/inspections/", views_work.inspections, name="operations-inspections"),
    path("office/operations/inspections/new/", views_work.plan_new, name="operations-plan-new"),
    path("office/operations/inspections/plans/<uuid:plan>/", views_work.inspect, name="operations-inspect"),
    path("office/operations/inspections/<uuid:key>/", views_work.inspection, name="operations-inspection"),
    path("office/operations/duty/", views_work.duty, name="operations-duty"),
    path("office/operations/duty/<uuid:key>/remove/", views_work.duty_remove, name="operations-duty-remove"),
    path("office/operations/qualifications/", views_work.qualifications, name="operations-qualifications"),
    path("office/operations/qualifications/<uuid:key>/leave/", views_work.leave, name="operations-leave"),
    path("office/operations/report/", views_work.report, name="operations-report"),
    path("office/operations/report/issue/", views_work.report_issue, name="operations-report-issue"),
    path("office/operations/ledger/", views_ledgers.rows, name="operations-ledgers"),
    path("office/operations/ledger/<slug:key>/", views_ledgers.rows, name="operations-ledger"),
    path("office/operations/ledger/<slug:key>/new/", views_ledgers.edit, name="operations-ledger-new"),
    path("office/operations/ledger/<slug:key>/<uuid:row>/", views_ledgers.row, name="operations-ledger-row"),
    path(
        "office/operations/ledger/<slug:key>/<uuid:row>/edit/",
        views_ledgers.edit,
        name="operations-ledger-edit",
    ),
    path("office/operations/spares/<uuid:row>/stock/", views_ledgers.stock, name="operations-stock"),
]
