"""Lists of cards, complaints, ratings."""

import django_filters
import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html

from jinzhi.casework.esupervision import complaints, rating, rulebook, telling
from jinzhi.casework.esupervision.models import COLOURS, Complaint, Satisfaction, Signal
from jinzhi.casework.models import ProcedureVersion
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.web.lists import DaysFilter, ListFilter, ListTable
from jinzhi.web.templatetags.jinzhi import cn_date, lamp, state

LAMPS = {"green": "green", "blue": "grey", "yellow": "yellow", "red": "red"}
TONES = {
    "open": "red", "replied": "yellow", "appealed": "yellow", "upheld": "blue", "lifted": "grey", "noted": "grey",
}  # fmt: skip


def card(signal: Signal) -> str:
    """The colour with its word: ■ 红牌."""
    return lamp(LAMPS[signal.colour], COLOURS[signal.colour])


class SignalTable(ListTable):
    name = "signals"
    title = "监察信号"
    sorts = {"raised_on": ("-raised_on", "-id"), "rule": ("rule", "-id")}

    colour = tables.Column("级别", attrs={"td": {"class": "nowrap"}})
    rule = tables.Column("情形", attrs={"td": {"class": "main-cell"}})
    case = tables.Column("办件", empty_values=(), attrs={"td": {"class": "nowrap"}})
    who = tables.Column("责任单位和人员", empty_values=(), accessor="agency")
    raised_on = tables.Column("发出", attrs={"td": {"class": "nowrap"}})
    status = tables.Column("状态", attrs={"td": {"class": "nowrap"}})
    until = tables.Column("回复期限", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})
    finding = tables.Column("事实", empty_values=(), accessor="pk", attrs={"th": {"data-off": ""}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("supervision-card", args=[record.pk])}

    def render_colour(self, record):
        return card(record)

    def value_colour(self, record):
        return COLOURS[record.colour]

    def render_rule(self, record):
        url = reverse("supervision-card", args=[record.pk])
        return format_html('<a href="{}">{} {}</a>', url, record.rule, record.title)

    def value_rule(self, record):
        return f"{record.rule} {record.title}"

    def render_case(self, record):
        if record.case is None:
            return "—"
        return format_html(
            '<span class="number">{}</span><small>{}</small>', record.case.number, record.case.subject_name
        )

    def value_case(self, record):
        return record.case.number if record.case else ""

    def render_who(self, record):
        return telling.responsible(record)

    def value_who(self, record):
        return telling.responsible(record)

    def render_raised_on(self, record):
        return cn_date(record.raised_on)

    def render_status(self, record):
        return state(record.get_status_display(), TONES[record.status])

    def value_status(self, record):
        return record.get_status_display()

    def render_until(self, record):
        if not record.is_card or record.replied_on or record.status not in ("open", "upheld"):
            return ""
        last = telling.due(record, "esupervision.reply")
        return lamp("red", f"{last} 已逾期") if calendar.today() > last else cn_date(last)

    def value_until(self, record):
        return cn_date(telling.due(record, "esupervision.reply")) if record.is_card else ""

    def render_finding(self, record):
        return telling.finding(record)


class SignalFilter(ListFilter):
    words = ("case__number", "case__subject_name", "account__name")
    first = ("q", "colour", "status", "rule")
    placeholder = "办件编号、申请人或责任人"

    colour = django_filters.ChoiceFilter(choices=Signal.Colour.choices, label="级别")
    status = django_filters.ChoiceFilter(choices=Signal.Status.choices, label="状态")
    rule = django_filters.ChoiceFilter(choices=[], label="规则")
    matter = django_filters.ChoiceFilter(choices=[], label="事项")
    agency = django_filters.CharFilter(field_name="agency__key", label="机构代号")
    place = django_filters.CharFilter(method="in_place", label="地区代码")
    person = django_filters.NumberFilter(field_name="account", label="责任人编号")
    raised_on = DaysFilter(label="发出日期")

    class Meta:
        model = Signal
        fields = ("colour", "status", "rule", "matter", "agency", "place", "person", "raised_on")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        rules = rulebook.on(calendar.today())
        self.filters["rule"].extra["choices"] = [(k, f"{k} {r.title}") for k, r in rules.items()]
        names = dict(ProcedureVersion.objects.order_by("version").values_list("key", "name"))
        self.filters["matter"].extra["choices"] = sorted(names.items(), key=lambda n: n[1])

    def in_place(self, queryset, name, value):
        if not value.isdecimal() or len(value) != 6:
            return queryset.none()
        return queryset.filter(place__range=jurisdiction(int(value) * 1_000_000))


class ComplaintTable(ListTable):
    name = "complaints"
    title = "投诉"
    sorts = {"received_on": ("-received_on", "-id")}

    number = tables.Column("编号", attrs={"td": {"class": "main-cell nowrap"}})
    subject = tables.Column("反映的问题")
    agency = tables.Column("被投诉机构", accessor="agency__short_name")
    name_ = tables.Column("投诉人", accessor="name", empty_values=())
    received_on = tables.Column("收到", attrs={"td": {"class": "nowrap"}})
    status = tables.Column("状态", attrs={"td": {"class": "nowrap"}})
    until = tables.Column("办理期限", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("supervision-complaint", args=[record.pk])}

    def render_number(self, record):
        return format_html(
            '<a class="number" href="{}">{}</a>',
            reverse("supervision-complaint", args=[record.pk]),
            record.number,
        )

    def value_number(self, record):
        return record.number

    def render_subject(self, value):
        return complaints.SUBJECTS.get(value, value)

    def render_name_(self, record):
        return "匿名" if record.is_anonymous else record.name

    def render_received_on(self, value):
        return cn_date(value)

    def render_status(self, record):
        tone = {"received": "red", "accepted": "yellow", "refused": "grey", "closed": "blue"}[record.status]
        word = record.get_status_display()
        return state(f"{word}（{record.get_finding_display()}）" if record.finding else word, tone)

    def value_status(self, record):
        return record.get_status_display()

    def render_until(self, record):
        if record.status in ("refused", "closed"):
            return ""
        last = complaints.due(record)
        return lamp("red", f"{last} 已逾期") if complaints.is_late(record) else cn_date(last)

    def value_until(self, record):
        return cn_date(complaints.due(record))


class ComplaintFilter(ListFilter):
    words = ("number", "name", "text")
    first = ("q", "status", "subject")
    placeholder = "编号、投诉人或内容"

    status = django_filters.ChoiceFilter(choices=Complaint.Status.choices, label="状态")
    subject = django_filters.ChoiceFilter(choices=list(complaints.SUBJECTS.items()), label="反映的问题")
    received_on = DaysFilter(label="收到日期")

    class Meta:
        model = Complaint
        fields = ("status", "subject", "received_on")


GRADE_TONES = {5: "green", 4: "green", 3: "blue", 2: "yellow", 1: "red"}


class RatingTable(ListTable):
    name = "ratings"
    title = "好差评"
    sorts = {"rated_on": ("-rated_on", "-id"), "grade": ("grade", "-id")}

    grade = tables.Column("评价", attrs={"td": {"class": "main-cell nowrap"}})
    case = tables.Column("办件", accessor="case__number", attrs={"td": {"class": "nowrap"}})
    agency = tables.Column("机构", accessor="agency__short_name")
    comment = tables.Column("说明")
    rated_on = tables.Column("评价日期", attrs={"td": {"class": "nowrap"}})
    next = tables.Column("差评处理", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("supervision-rating", args=[record.pk])}

    def render_grade(self, record):
        url = reverse("supervision-rating", args=[record.pk])
        return format_html(
            '<a href="{}">{}</a>', url, state(record.get_grade_display(), GRADE_TONES[record.grade])
        )

    def value_grade(self, record):
        return record.get_grade_display()

    def render_rated_on(self, value):
        return cn_date(value)

    def render_next(self, record):
        kind = rating.waiting(record)
        if not kind:
            return "已整改" if record.is_bad else ""
        last, word = rating.due(record, kind), {"call": "待回访", "rectify": "待整改"}[kind]
        late = calendar.today() > last
        return lamp("red" if late else "yellow", f"{word} {last}{'（已逾期）' if late else ''}")

    def value_next(self, record):
        return rating.waiting(record)


class RatingFilter(ListFilter):
    words = ("case__number", "comment")
    first = ("q", "grade")
    placeholder = "办件编号或说明"

    grade = django_filters.ChoiceFilter(choices=Satisfaction.Grade.choices, label="评价")
    rated_on = DaysFilter(label="评价日期")

    class Meta:
        model = Satisfaction
        fields = ("grade", "rated_on")


def agencies_within(place: int) -> list[Agency]:
    return list(Agency.objects.filter(place__range=jurisdiction(place), valid_to=None))
