from django.apps import AppConfig


class CalendarConfig(AppConfig):
    name = "jinzhi.foundation.calendar"
    label = "calendar"
    verbose_name = "工作日历"
