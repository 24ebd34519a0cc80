from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "jinzhi.services.portal"
    label = "portal"
    verbose_name = "公众服务门户"
