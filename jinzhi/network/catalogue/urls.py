from django.urls import path

from jinzhi.network.catalogue import views, views_requests

urlpatterns = [
    path("catalogue/", views.index, name="catalogue-index"),
    path("catalogue/requests/", views_requests.requests, name="catalogue-requests"),
    path("catalogue/requests/<uuid:key>/", views_requests.request_page, name="catalogue-request"),
    path("catalogue/requests/<uuid:key>/withdraw/", views_requests.withdraw, name="catalogue-withdraw"),
    path("catalogue/grants/", views_requests.grants, name="catalogue-grants"),
    path("catalogue/grants/<uuid:key>/end/", views_requests.end, name="catalogue-grant-end"),
    path("catalogue/challenges/", views.challenges, name="catalogue-challenges"),
    path(
        "catalogue/challenges/<uuid:key>/answer/", views.answer_challenge, name="catalogue-challenge-answer"
    ),
    path("catalogue/<str:key>/", views.dataset, name="catalogue-dataset"),
    path("catalogue/<str:key>/ask/", views_requests.ask, name="catalogue-ask"),
    path("catalogue/<str:key>/records/", views.lineage_page, name="catalogue-lineage"),
    path("catalogue/<str:key>/records/<uuid:record>/challenge/", views.challenge, name="catalogue-challenge"),
    path("catalogue/<str:key>/measure/", views.measure, name="catalogue-measure"),
    path("catalogue/<str:key>/suspend/", views.suspend, name="catalogue-suspend"),
]
