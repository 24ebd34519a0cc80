"""Addresses of the desk's pages about procedures."""

from django.urls import path

from jinzhi.casework import views_procedures as views

HERE = "desk/procedures/<slug:key>/"
urlpatterns = [
    path("desk/procedures/", views.procedures, name="work-procedures"),
    path(f"{HERE}<int:version>/", views.procedure, name="work-procedure"),
    path(f"{HERE}<int:version>/bpmn/", views.as_bpmn, name="work-procedure-bpmn"),
    path(f"{HERE}<int:version>/dmn/<str:table>/", views.as_dmn, name="work-procedure-dmn"),
    path(f"{HERE}compare/<int:old>/<int:new>/", views.compare, name="work-procedure-compare"),
    path(f"{HERE}move/<int:old>/<int:new>/", views.move, name="work-procedure-move"),
]
