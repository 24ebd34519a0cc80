from django.urls import path

from jinzhi.registry.laws import views

urlpatterns = [
    path("laws/", views.index, name="laws-index"),
    path("laws/<int:key>/", views.law, name="laws-law"),
    path("laws/<int:key>/articles/<str:n>/", views.article, name="laws-article"),
    path("laws/<int:key>/changes/<int:other>/", views.changes, name="laws-changes"),
]
