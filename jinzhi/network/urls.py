from django.urls import path

from jinzhi.network import cases_views
from jinzhi.network import exchange_views as views

urlpatterns = [
    path("office/exchange/", views.overview, name="exchange-overview"),
    path("office/exchange/received/", views.received, name="exchange-received"),
    path("office/exchange/sent/", views.sent, name="exchange-sent"),
    path("office/exchange/way/<uuid:record>/", views.way, name="exchange-way"),
    path("office/exchange/quarantine/", views.isolated, name="exchange-quarantine"),
    path("office/exchange/quarantine/<int:key>/", views.quarantined, name="exchange-quarantined"),
    path("office/exchange/quarantine/<int:key>/apply/", views.reapply, name="exchange-reapply"),
    path("office/exchange/quarantine/<int:key>/discard/", views.discard, name="exchange-discard"),
    path("office/exchange/refused/", views.refused, name="exchange-refused"),
    path("office/exchange/refused/resend/", views.resend, name="exchange-resend"),
    path("office/exchange/reconciliations/", views.reconciliations, name="exchange-reconciliations"),
    path("office/exchange/reconciliations/ask/", views.ask_reconciliation, name="exchange-reconcile"),
    path("office/exchange/reconciliations/<uuid:key>/", views.reconciliation, name="exchange-reconciliation"),
    path("office/exchange/reconciliations/<uuid:key>/sign/", views.sign, name="exchange-sign"),
    path("office/exchange/cases/", cases_views.index, name="network-cases"),
    path("office/exchange/cases/<uuid:key>/", cases_views.case, name="network-case"),
    path("office/exchange/files/<uuid:key>/", cases_views.file, name="network-file"),
]
