"""A law, one row for each published version, and its articles."""

from django.db import models


class Law(models.Model):
    """One version of an act. `valid_from` is the day it came into force, or its publication where unknown."""

    title = models.CharField("名称", max_length=200)
    key = models.CharField("检索名", max_length=200, db_index=True)  # without 中华人民共和国 and brackets
    level = models.CharField("效力层级", max_length=40, blank=True)
    published_on = models.DateField("公布日期")
    valid_from = models.DateField("施行日期")
    preamble = models.TextField("题注", blank=True)

    class Meta:
        verbose_name = "法规"
        ordering = ["key", "-published_on"]
        constraints = [models.UniqueConstraint("key", "published_on", name="law_version")]

    def __str__(self):
        return self.title


class Article(models.Model):
    """One article with its paragraphs; `number` is 32 for 第三十二条, `suffix` 1 for 之一."""

    law = models.ForeignKey(Law, models.CASCADE, related_name="articles")
    number = models.PositiveIntegerField("条")
    suffix = models.PositiveSmallIntegerField("之", default=0)
    label = models.CharField("条名", max_length=30)
    chapter = models.CharField("章节", max_length=120, blank=True)
    text = models.TextField("条文")

    class Meta:
        verbose_name = "条文"
        ordering = ["number", "suffix"]
        constraints = [models.UniqueConstraint("law", "number", "suffix", name="article_once")]

    def __str__(self):
        return f"{self.law}{self.label}"
