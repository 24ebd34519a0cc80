from django.urls import path

from jinzhi.foundation.rules import views

urlpatterns = [path("desk/rules/", views.index, name="rules-index")]
