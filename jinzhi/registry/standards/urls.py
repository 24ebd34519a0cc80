from django.urls import path

from jinzhi.registry.standards import views

urlpatterns = [
    path("standards/", views.index, name="standards-index"),
    path("standards/check/", views.check, name="standards-check"),
    path("standards/<path:number>/", views.standard, name="standards-standard"),
]
