from django.urls import include, path

from . import views

urlpatterns = [
    path("home/", views.home, name="web-home"),
    path("search/", views.search, name="web-search"),
    path("desk/", include("jinzhi.web.desk.urls")),
]
