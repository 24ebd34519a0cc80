from django.urls import path

from jinzhi.registry.matching import views

urlpatterns = [
    path("registry/compare/", views.comparisons, name="matching-comparisons"),
    path("registry/compare/<uuid:key>/", views.comparison, name="matching-comparison"),
    path("registry/compare/<uuid:key>/cancel/", views.cancel, name="matching-cancel"),
    path("registry/compare/<uuid:key>/result.csv", views.download, name="matching-download"),
    path("registry/compare/<uuid:key>/<int:finding>/", views.decide, name="matching-decide"),
]
