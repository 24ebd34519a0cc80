"""Number series and what happened to numbers that carry no document."""

from django.db import models


class Series(models.Model):
    """The last number given in a series of an agency (or other holder) and year; 0 = without years."""

    series = models.CharField("种类", max_length=60)
    agency = models.CharField("机构", max_length=60)
    year = models.PositiveSmallIntegerField("年份", default=0)
    last = models.PositiveIntegerField("末号")

    class Meta:
        verbose_name = "编号序列"
        constraints = [models.UniqueConstraint("series", "agency", "year", name="numbering_series_once")]

    def __str__(self):
        return f"{self.series} {self.agency} {self.year or ''} {self.last}"


class Voided(models.Model):
    """Numbers `first`–`last` that were given but carry no document; they are never given again."""

    series = models.ForeignKey(Series, models.PROTECT, related_name="voided", verbose_name="序列")
    first = models.PositiveIntegerField("起号")
    last = models.PositiveIntegerField("止号")
    text = models.CharField("编号", max_length=120, blank=True)
    reason = models.CharField("原因", max_length=200)
    by = models.CharField("经手人", max_length=80, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = "作废编号"
        ordering = ["series", "first"]
        constraints = [
            models.CheckConstraint(condition=models.Q(last__gte=models.F("first")), name="voided_range"),
            models.UniqueConstraint("series", "first", name="voided_once"),
        ]
