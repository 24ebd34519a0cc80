from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "jinzhi.foundation.places"
    label = "places"
    verbose_name = "行政区划与管辖"

    def ready(self):
        from jinzhi.foundation.places import scope  # noqa: F401  re-applies the scope on new connections
