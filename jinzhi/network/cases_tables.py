"""The list of cases that other nodes sent."""

import django_filters
import django_tables2 as tables
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html

from jinzhi.casework.procedures import OUTCOMES
from jinzhi.foundation.exchange.models import Document
from jinzhi.network import cases
from jinzhi.network.exchange_tables import peer_titles
from jinzhi.network.models import Node
from jinzhi.web.lists import ListFilter, ListTable
from jinzhi.web.templatetags.jinzhi import cn_date, state


def standing(body: dict) -> tuple[str, str]:
    """A word and a tone for a case's state."""
    if body.get("state") != "closed":
        return "办理中", "blue"
    outcome = body.get("outcome") or ""
    tone = {"granted": "green", "refused": "red", "not_accepted": "red"}.get(outcome, "grey")
    return OUTCOMES.get(outcome, "已办结"), tone


NOWRAP = {"td": {"class": "nowrap"}}


class CasesTable(ListTable):
    name = "network-cases"
    title = "各市办件"
    sorts = {"received": ("-id",)}
    number = tables.Column("办件编号", accessor="body__number", attrs=NOWRAP)
    subject = tables.Column("申请人", accessor="body__subject_name", attrs={"td": {"class": "main-cell"}})
    matter = tables.Column("事项", accessor="body__title", attrs={"td": {"class": "wide"}})
    node = tables.Column("节点", accessor="owner_node", attrs=NOWRAP)
    received = tables.Column("收到", accessor="body__received_on", attrs=NOWRAP)
    accepted = tables.Column("受理", accessor="body__accepted_on", default="", attrs=NOWRAP)
    closed = tables.Column("办结", accessor="body__closed_on", default="", attrs=NOWRAP)
    state = tables.Column("状态", accessor="body", attrs=NOWRAP)

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("network-case", args=[record.pk])}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.peers = peer_titles()

    def render_subject(self, value, record):
        return format_html('<a href="{}">{}</a>', reverse("network-case", args=[record.pk]), value)

    def value_subject(self, value):
        return value

    def render_matter(self, value, record):
        """A case's title is its matter and its applicant, who stands in a column of its own."""
        return value.removesuffix(f"：{record.body.get('subject_name', '')}")

    def render_node(self, value):
        return self.peers.get(value, value)

    def render_received(self, value):
        return cn_date(value)

    render_accepted = render_closed = render_received

    def render_state(self, value):
        return state(*standing(value))

    def value_state(self, value):
        return standing(value)[0]


def _nodes() -> list[tuple[str, str]]:
    return list(Node.objects.filter(kind="city").order_by("code").values_list("code", "name"))


class CasesFilter(ListFilter):
    placeholder = "办件编号或者申请人"
    first = ("q", "state", "node")
    state = django_filters.ChoiceFilter(
        field_name="body__state", choices=[("open", "办理中"), ("closed", "已办结")], label="状态"
    )
    node = django_filters.ChoiceFilter(field_name="owner_node", choices=_nodes, label="节点")
    outcome = django_filters.ChoiceFilter(
        field_name="body__outcome", choices=list(OUTCOMES.items()), label="结果"
    )

    def search(self, queryset, name, value):
        """By the whole number at once, else by words of the applicant's name."""
        words = value.strip()
        found = cases.numbered(words).values_list("pk", flat=True)
        if exact := list(found):
            return queryset.filter(pk__in=exact)
        return queryset.filter(Q(body__subject_name__icontains=words) | Q(body__subject_code=words))

    class Meta:
        model = Document
        fields: list[str] = []
