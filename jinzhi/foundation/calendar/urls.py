from django.urls import path

from jinzhi.foundation.calendar import views

urlpatterns = [
    path("desk/calendar/", views.year, name="calendar-year"),
    path("desk/calendar/new/", views.new, name="calendar-new"),
]
