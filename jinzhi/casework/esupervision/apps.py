from django.apps import AppConfig


class ESupervisionConfig(AppConfig):
    name = "jinzhi.casework.esupervision"
    label = "esupervision"
    verbose_name = "电子监察"

    def ready(self):
        from jinzhi.casework.esupervision import tasks  # noqa: F401
