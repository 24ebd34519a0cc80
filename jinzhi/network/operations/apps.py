from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "jinzhi.network.operations"
    label = "operations"
    verbose_name = "网络运维"
