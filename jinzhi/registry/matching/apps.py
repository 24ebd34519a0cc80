from django.apps import AppConfig


class MatchingConfig(AppConfig):
    name = "jinzhi.registry.matching"
    label = "matching"
    verbose_name = "登记数据比对"
