from django.apps import AppConfig


class FormsConfig(AppConfig):
    name = "jinzhi.foundation.forms"
    label = "forms"
    verbose_name = "表单"
