from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "jinzhi.network"
    label = "network"
    verbose_name = "质量专网"

    def ready(self):
        from jinzhi.network import tasks  # noqa: F401
