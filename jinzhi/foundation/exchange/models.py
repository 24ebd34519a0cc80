"""Documents: records of datasets that have no table here. The other tables are SQL (`exchange_schema.py`)."""

from django.db import models

from jinzhi.foundation.places.models import Record


class Document(Record):
    """One record of a dataset without a table of its own: published here, or received and kept as its source sent it."""

    dataset = models.CharField("数据集", max_length=60)
    key = models.CharField("来源编号", max_length=200)
    source = models.CharField(
        "来源", max_length=30, blank=True, db_default=""
    )  # the peer it came from; "": made here
    schema = models.SmallIntegerField("结构版本", default=1)
    body = models.JSONField("内容")

    class Meta:
        verbose_name = "交换文档"
        indexes = [
            models.Index(fields=["place", "-id"], name="exchanged_place"),
            models.Index(fields=["dataset", "place"], name="exchanged_dataset"),
        ]

    def __str__(self):
        return f"{self.dataset} {self.key}"
