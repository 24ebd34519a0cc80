from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "jinzhi.foundation.history"
    label = "history"
    verbose_name = "操作日志"
