from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "jinzhi.foundation.files"
    label = "files"
    verbose_name = "附件与文书"
