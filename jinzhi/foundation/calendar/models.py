"""The days of the calendar and the notices they come from."""

from django.db import models


class HolidayNotice(models.Model):
    """A State Council notice (or a later change to one) after a person confirmed it.

    `ranges` holds what it says: [{"name", "off": [["2026-01-01", "2026-01-03"]], "work": ["2026-01-04"]}].
    Notices apply in the order of `year`, annual ones first, then changes by id; the later one wins a day.
    """

    class Kind(models.TextChoices):
        ANNUAL = "annual", "年度安排"
        CHANGE = "change", "变更"

    class Status(models.TextChoices):
        CONFIRMED = "confirmed", "已生效"
        SUPERSEDED = "superseded", "已被替换"

    year = models.PositiveSmallIntegerField("年份")
    kind = models.CharField("类别", max_length=10, choices=Kind.choices, default=Kind.ANNUAL)
    number = models.CharField("文号", max_length=40, blank=True)
    issued_on = models.DateField("发文日期", null=True, blank=True)
    title = models.CharField("标题", max_length=120)
    text = models.TextField("通知正文", blank=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.CONFIRMED)
    ranges = models.JSONField("放假与调休")
    mark = models.CharField("依据程度", max_length=15, default="public")  # rules.MARKS
    source = models.CharField("来源", max_length=60, blank=True)  # file of the product, or empty
    loaded_by = models.CharField("录入人", max_length=60, blank=True)
    loaded_at = models.DateTimeField("录入时间", auto_now_add=True)

    class Meta:
        verbose_name = "放假通知"
        ordering = ["year", "kind", "id"]
        constraints = [
            models.UniqueConstraint(
                "year",
                condition=models.Q(kind="annual", status="confirmed"),
                name="one_annual_notice_in_force",
                violation_error_message="该年的放假通知已生效。",
            )
        ]

    def __str__(self):
        return self.title

    @property
    def shown_number(self) -> str:
        return self.number or "文号待补"

    @property
    def mark_title(self) -> str:
        from jinzhi.foundation.rules import MARKS

        return MARKS.get(self.mark, self.mark)


class Day(models.Model):
    """One day. `ordinal` counts the working days up to and including it since the calendar's first day."""

    class Kind(models.TextChoices):
        WORKDAY = "workday", "工作日"
        WEEKEND = "weekend", "周末"
        HOLIDAY = "holiday", "放假"
        MAKEUP = "makeup_workday", "调休上班"

    day = models.DateField("日期", primary_key=True)
    is_workday = models.BooleanField("工作日")
    ordinal = models.IntegerField("工作日序号")
    kind = models.CharField("类别", max_length=15, choices=Kind.choices)
    provisional = models.BooleanField("暂定", default=False)
    note = models.CharField("节日", max_length=40, blank=True)

    class Meta:
        verbose_name = "日历日"
        ordering = ["day"]
        indexes = [
            # day of an ordinal: the workday that carries it
            models.Index("ordinal", condition=models.Q(is_workday=True), name="calendar_workday_ordinal")
        ]


class Version(models.Model):
    """One row that changes whenever the days change, so that each process knows its copy is stale."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    token = models.UUIDField("版本")
    changed_at = models.DateTimeField("变更时间", auto_now=True)

    class Meta:
        verbose_name = "日历版本"
