from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "jinzhi.foundation.people"
    label = "people"
    verbose_name = "机构与人员"

    def ready(self):
        from . import signin  # noqa: F401  (listens to signing in and out)
