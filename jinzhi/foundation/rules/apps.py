from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "jinzhi.foundation.rules"
    label = "rules"
    verbose_name = "规则与时限"
