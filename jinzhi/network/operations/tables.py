"""Lists of the ledgers, of cases of operations, of alarms."""

from functools import cache
from typing import Any

import django_filters
import django_tables2 as tables
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Agency
from jinzhi.network.models import Alarm
from jinzhi.network.operations import nodes, watching
from jinzhi.network.operations.ledgers import LEDGERS, Ledger
from jinzhi.network.operations.templatetags.operations import priority
from jinzhi.web.lists import ListFilter, ListTable
from jinzhi.web.templatetags.jinzhi import cn_date, cn_time, lamp, state


@cache
def agency_names() -> dict[str, str]:
    return dict(Agency.objects.values_list("key", "short_name"))


def ending(day) -> str:
    """A day on which something ends, with a lamp when it is near or past."""
    if day is None:
        return "—"
    left = (day - calendar.today()).days
    if left < 0:
        return lamp("red", f"{day} 已过期")
    return lamp("yellow", f"{day} 剩 {left} 日") if left < watching.limit("certificate") else cn_date(day)


class LedgerTable(ListTable):
    def render_number(self, record):
        url = reverse("operations-ledger-row", args=[self.ledger.key, record.pk])
        return format_html('<a class="number" href="{}">{}</a>', url, record.number)

    def value_number(self, record):
        return record.number

    def render_owned_by(self, record):
        return agency_names().get(record.owned_by, record.owned_by)

    def render_warranty_until(self, record):
        return ending(record.warranty_until)

    def value_warranty_until(self, record):
        return cn_date(record.warranty_until)

    def render_valid_until(self, record):
        return ending(record.valid_until)

    def value_valid_until(self, record):
        return cn_date(record.valid_until)

    def render_contract_until(self, record):
        return ending(record.contract_until)

    def value_contract_until(self, record):
        return cn_date(record.contract_until)

    def render_quantity(self, record):
        return (
            lamp("yellow", f"{record.quantity} 不足") if record.quantity < record.least else record.quantity
        )

    def value_quantity(self, record):
        return record.quantity


@cache
def ledger_table(key: str) -> type[ListTable]:
    ledger: Ledger = LEDGERS[key]
    body: dict[str, Any] = {"name": f"ledger-{key}", "title": ledger.title, "ledger": ledger}
    body["sorts"] = {"number": ("number", "id")}
    for name in ledger.columns:
        field: Any = ledger.model._meta.get_field(name)
        title = str(field.verbose_name)
        attrs = {"td": {"class": "main-cell"}} if name in ("name", "cidr") else {"td": {"class": "nowrap"}}
        body[name] = tables.Column(title, attrs=attrs)
    body["Meta"] = type(
        "Meta", (ListTable.Meta,),
        {"row_attrs": {"data-href": lambda record: reverse("operations-ledger-row", args=[key, record.pk])}},
    )  # fmt: skip
    return type(f"{ledger.model.__name__}Table", (LedgerTable,), body)


@cache
def ledger_filter(key: str) -> type[ListFilter]:
    ledger: Ledger = LEDGERS[key]
    body: dict[str, Any] = {
        "words": ledger.words,
        "first": ("q", *ledger.filters[:2]),
        "placeholder": "编号、名称",
    }
    for name in ledger.filters:
        column: Any = ledger.model._meta.get_field(name)
        body[name] = django_filters.ChoiceFilter(choices=column.choices, label=str(column.verbose_name))
    body["agency"] = django_filters.CharFilter(field_name="owned_by", label="机构代号")
    more = ["agency"]
    if key == "equipment":
        body["node"] = django_filters.CharFilter(label="节点代码")
        more.append("node")
    body["Meta"] = type("Meta", (), {"model": ledger.model, "fields": [*ledger.filters, *more]})
    return type(f"{ledger.model.__name__}Filter", (ListFilter,), body)


class CaseTable(ListTable):
    name = "operations-cases"
    title = "运维工单"
    sorts = {"received_on": ("-received_on", "-id"), "number": ("number", "id")}

    number = tables.Column("编号", attrs={"td": {"class": "nowrap"}})
    subject_name = tables.Column("内容", attrs={"td": {"class": "main-cell"}})
    grade = tables.Column("级别", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})
    level = tables.Column("处置级别", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})
    agency = tables.Column("机构")
    received_on = tables.Column("受理", attrs={"td": {"class": "nowrap"}})
    state = tables.Column("状态", attrs={"td": {"class": "nowrap"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("work-case", args=[record.number])}

    def render_number(self, record):
        return format_html(
            '<a class="number" href="{}">{}</a>', reverse("work-case", args=[record.number]), record.number
        )

    def value_number(self, record):
        return record.number

    def render_grade(self, record):
        if record.facts.get("priority"):
            return priority(record.facts["priority"])
        return record.facts.get("grade_name") or {"low": "低风险", "middle": "中风险", "high": "高风险"}.get(
            record.facts.get("risk", ""), "—"
        )

    def value_grade(self, record):
        return record.facts.get("priority") or record.facts.get("grade_name") or record.facts.get("risk", "")

    def render_level(self, record):
        return record.facts.get("level_name", "")

    def render_agency(self, record):
        return record.agency.short_name

    def render_received_on(self, record):
        return cn_date(record.received_on)

    def render_state(self, record):
        open_ = record.state == Case.State.OPEN
        return state("办理中", "blue") if open_ else state(record.outcome_label, "grey")

    def value_state(self, record):
        return "办理中" if record.state == Case.State.OPEN else record.outcome_label


class CaseFilter(ListFilter):
    words = ("number", "subject_name")
    first = ("q", "state", "priority")
    placeholder = "编号或者内容"

    state = django_filters.ChoiceFilter(choices=Case.State.choices, label="状态")
    priority = django_filters.ChoiceFilter(
        choices=[(p, p) for p in ("P1", "P2", "P3", "P4")], field_name="facts__priority", label="优先级"
    )
    node = django_filters.CharFilter(field_name="facts__node", label="节点代码")

    class Meta:
        model = Case
        fields = ("state", "priority", "node")


LAMPS = {"notice": "grey", "warning": "yellow", "severe": "red"}


class AlarmTable(ListTable):
    name = "alarms"
    title = "告警"
    sorts = {"raised_at": ("-raised_at", "-id")}

    level = tables.Column("级别", attrs={"td": {"class": "nowrap"}})
    kind = tables.Column("告警", attrs={"td": {"class": "main-cell"}})
    node = tables.Column("节点", attrs={"td": {"class": "nowrap"}})
    raised_at = tables.Column("发生", attrs={"td": {"class": "nowrap"}})
    lasted = tables.Column("持续", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})
    looked = tables.Column("确认", empty_values=(), accessor="pk")
    responsible = tables.Column("处置级别", empty_values=(), accessor="pk", attrs={"td": {"class": "nowrap"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("operations-alarm", args=[record.pk])}

    def render_level(self, record):
        return (
            lamp("done", "已恢复")
            if record.cleared_at
            else lamp(LAMPS[record.level], record.get_level_display())
        )

    def value_level(self, record):
        return record.get_level_display()

    def render_kind(self, record):
        url = reverse("operations-alarm", args=[record.pk])
        return format_html(
            '<a href="{}">{}</a><small>{}</small>', url, watching.title(record.kind), record.detail
        )

    def value_kind(self, record):
        return f"{watching.title(record.kind)}：{record.detail}"

    def render_node(self, record):
        return nodes.name(record.node)

    def render_raised_at(self, record):
        return cn_time(record.raised_at)

    def render_lasted(self, record):
        from jinzhi.network.operations.templatetags.operations import lasted

        return lasted(((record.cleared_at or timezone.now()) - record.raised_at).total_seconds())

    def render_looked(self, record):
        return record.acknowledged_by or ("" if record.cleared_at else "未确认")

    def render_responsible(self, record):
        return watching.LEVEL_NAMES[watching.level_of(record)]


class AlarmFilter(ListFilter):
    words = ("node", "detail")
    first = ("q", "state", "level")
    placeholder = "节点代码、说明"

    state = django_filters.ChoiceFilter(
        choices=[("open", "未恢复"), ("waiting", "待确认"), ("cleared", "已恢复")],
        method="by_state",
        label="状态",
    )
    level = django_filters.ChoiceFilter(choices=Alarm.Level.choices, label="级别")
    kind = django_filters.CharFilter(label="种类")

    class Meta:
        model = Alarm
        fields = ("state", "level", "kind")

    def by_state(self, queryset, name, value):
        if value == "cleared":
            return queryset.exclude(cleared_at=None)
        found = queryset.filter(cleared_at=None)
        return found.filter(acknowledged_at=None) if value == "waiting" else found
