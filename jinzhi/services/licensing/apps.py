from django.apps import AppConfig


class LicensingConfig(AppConfig):
    name = "jinzhi.services.licensing"
    label = "licensing"
    verbose_name = "网上许可"
