from django.apps import AppConfig


class StandardsConfig(AppConfig):
    name = "jinzhi.registry.standards"
    label = "standards"
    verbose_name = "标准目录"
