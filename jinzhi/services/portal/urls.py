from django.urls import path

from jinzhi.services.portal import views

urlpatterns = [
    path("", views.home, name="portal-home"),
    path("services/", views.hall, name="portal-hall"),
    path("services/<slug:slug>/", views.guide, name="portal-matter"),
    path("procedures/<slug:key>/<int:version>/", views.procedure, name="portal-procedure"),
]
