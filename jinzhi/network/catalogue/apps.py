from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "jinzhi.network.catalogue"
    label = "catalogue"
    verbose_name = "共享数据目录"
