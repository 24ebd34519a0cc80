from django.apps import AppConfig


class CodesConfig(AppConfig):
    name = "jinzhi.foundation.codes"
    label = "codes"
    verbose_name = "代码与校验"
