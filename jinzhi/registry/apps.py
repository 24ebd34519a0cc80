from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "jinzhi.registry"
    label = "registry"
    verbose_name = "企业与证照"
