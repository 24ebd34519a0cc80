from django.urls import path

from jinzhi.casework.esupervision import views, views_scores, views_voices

urlpatterns = [
    path("office/supervision/", views.board, name="supervision-board"),
    path("office/supervision/cards/", views.cards, name="supervision-cards"),
    path("office/supervision/mine/", views.mine, name="supervision-mine"),
    path("office/supervision/cards/<int:key>/", views.card, name="supervision-card"),
    path("office/supervision/cards/<int:key>/act/", views.act, name="supervision-act"),
    path("office/supervision/raise/<str:number>/", views.raise_card, name="supervision-raise"),
    path("office/supervision/rules/", views.rules, name="supervision-rules"),
    path("office/supervision/statistics/", views_scores.statistics_page, name="supervision-statistics"),
    path("office/supervision/scores/", views_scores.scores, name="supervision-scores"),
    path("office/supervision/scores/publish/", views_scores.publish, name="supervision-publish"),
    path("office/supervision/scores/entry/", views_scores.entry, name="supervision-entry"),
    path("office/supervision/scores/<int:key>/", views_scores.sheet, name="supervision-score"),
    path("office/supervision/complaints/", views_voices.complaints_list, name="supervision-complaints"),
    path("office/supervision/complaints/<int:key>/", views_voices.complaint, name="supervision-complaint"),
    path("office/supervision/ratings/", views_voices.ratings, name="supervision-ratings"),
    path("office/supervision/ratings/<int:key>/", views_voices.rating_page, name="supervision-rating"),
    path("complain/", views_voices.complain, name="complain"),
    path("complain/status/", views_voices.complaint_status, name="complain-status"),
    path("my/complaints/", views_voices.my_complaints, name="my-complaints"),
    path("rate/<str:token>/", views_voices.rate_link, name="rate-link"),
    path("my/rate/<str:number>/", views_voices.rate_own, name="rate-own"),
]
