"""Administrative divisions with their history, and the base of every record that has a place."""

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7


def this_node() -> str:
    return settings.NODE


class Division(models.Model):
    """One division under one name during one period (GB/T 2260; source: the province pack's table).

    A code that was abolished keeps its row with `valid_to` (first day it no longer held) and the
    `successor` that took over the whole or the main part of it; `note` names parts that went elsewhere.
    """

    code = models.CharField("区划代码", max_length=6)
    name = models.CharField("名称", max_length=40)
    level = models.CharField("层级", max_length=10)  # country, province, city, county
    parent = models.CharField("上级代码", max_length=6, blank=True)
    valid_from = models.DateField("启用", null=True)  # null: before the first revision held
    valid_to = models.DateField("停用", null=True)
    successor = models.CharField("并入", max_length=6, blank=True)
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = "行政区划"
        constraints = [
            models.UniqueConstraint(
                fields=["code", "valid_from"], nulls_distinct=False, name="division_period"
            )
        ]
        indexes = [models.Index(fields=["parent"])]

    def __str__(self):
        return self.name

    @property
    def place(self) -> int:
        """The 12-digit statistical code."""
        return int(self.code) * 1_000_000


class Record(models.Model):
    """A scoped record that may travel between nodes: one owner, a version that only grows, a place."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    place = models.BigIntegerField("地点")
    owner_node = models.CharField("归属节点", max_length=12, default=this_node, editable=False)
    version = models.PositiveIntegerField("版本", default=1, editable=False)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self._state.adding:
            self.version += 1
            if (fields := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*fields, "version", "updated_at"}
        super().save(*args, **kwargs)
