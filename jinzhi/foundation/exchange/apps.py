from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExchangeConfig(AppConfig):
    name = "jinzhi.foundation.exchange"
    label = "exchange"
    verbose_name = "数据交换"

    def ready(self):
        from jinzhi.foundation.exchange import tasks  # noqa: F401

        post_migrate.connect(_capture, sender=self, dispatch_uid="jinzhi.exchange.capture")


def _capture(**kwargs) -> None:
    """After the tables are there: the triggers that the declarations ask for."""
    from jinzhi.foundation.exchange import capture

    capture.install()
