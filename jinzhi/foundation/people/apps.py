from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "jinzhi.foundation.people"
    label = "people"
    verbose_name = "机构与人员"
