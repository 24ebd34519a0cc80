from django.apps import AppConfig


class LicencesConfig(AppConfig):
    name = "jinzhi.registry.licences"
    label = "licences"
    verbose_name = "电子证照"
    package_files = {"licences/sm2.js": "sm-crypto/dist/sm2.js"}
