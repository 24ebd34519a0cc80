from django.apps import AppConfig


class NumberingConfig(AppConfig):
    name = "jinzhi.foundation.numbering"
    label = "numbering"
    verbose_name = "公文编号"
