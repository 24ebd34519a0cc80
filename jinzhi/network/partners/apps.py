from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "jinzhi.network.partners"
    label = "partners"
    verbose_name = "交换伙伴"

    def ready(self):
        from jinzhi.network.partners import granting

        granting.register()
