"""A law, one row for each published version, and its articles."""

from django.db import models


class Law(models.Model):
    """One version of an act, in force from `valid_from` until the day before `valid_to` (null: open).

    `valid_from` is the day that the list, the head or the last article of the text names, else its publication.
    `repealed` with an open `valid_to`: no longer in force, since when is not known.
    """

    title = models.CharField("名称", max_length=200)
    key = models.CharField("检索名", max_length=200, db_index=True)  # the same for every version
    level = models.CharField("效力层级", max_length=40, blank=True)
    region = models.CharField("适用地区", max_length=40, blank=True)
    published_on = models.DateField("公布日期")
    valid_from = models.DateField("施行日期")
    valid_to = models.DateField("失效日期", null=True)
    repealed = models.BooleanField("已失效", default=False)
    repealed_by = models.CharField("废止依据", max_length=200, blank=True)
    preamble = models.TextField("题注", blank=True)

    class Meta:
        verbose_name = "法规"
        ordering = ["key", "-valid_from", "-published_on"]
        constraints = [models.UniqueConstraint("key", "published_on", name="law_version")]

    def __str__(self):
        return self.title


class Article(models.Model):
    """One article with its paragraphs; `number` is 32 for 第三十二条, `suffix` 1 for 之一.

    `grams` (in the database only) holds the pairs of characters of the text, for the full-text search.
    """

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
