"""Delegations within the range, on the desk."""

import django_filters
import django_tables2 as tables
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST

from jinzhi.foundation.people import delegation
from jinzhi.foundation.people.acting import Actor, Refused, agencies_of
from jinzhi.foundation.people.models import Delegation
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.web.lists import ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import state

from . import access
from .lists import exported


class DelegationTable(ListTable):
    name = "delegations"
    title = "委托"
    sorts = {"starts": ("-starts", "-id"), "ends": ("-ends", "-id")}

    giver = tables.Column("委托人", accessor="from_post__account__name", attrs={"td": {"class": "main-cell"}})
    agency = tables.Column("机构", accessor="from_post__agency__short_name")
    giver_title = tables.Column("委托人职务", accessor="from_post__title")
    taker = tables.Column("受托人", accessor="to_post__account__name")
    starts = tables.DateColumn(verbose_name="开始", format="Y-m-d")
    ends = tables.DateColumn(verbose_name="结束", format="Y-m-d")
    reason = tables.Column("事由")
    state = tables.Column("状态", empty_values=())
    acts = tables.Column("", empty_values=(), exclude_from_export=True, attrs={"td": {"class": "acts"}})

    def render_state(self, record):
        return state(*_state(record))

    def value_state(self, record):
        return _state(record)[0]

    def render_acts(self, record):
        if (
            _state(record)[0] not in ("生效中", "未开始")
            or "security_administrator" not in self.request.roles
        ):
            return ""
        return render_to_string("desk/delegation_act.html", {"delegation": record}, self.request)


def _state(record: Delegation) -> tuple[str, str]:
    today = timezone.localdate()
    if record.revoked_at:
        return "已撤销", "grey"
    if record.ends < today:
        return "已到期", "grey"
    return ("未开始", "yellow") if record.starts > today else ("生效中", "green")


class DelegationFilter(ListFilter):
    words = ("from_post__account__name", "to_post__account__name", "reason")
    placeholder = "姓名、事由"
    first = ("q", "agency", "live")

    agency = django_filters.ModelChoiceFilter(
        queryset=lambda request: agencies_of(request.post), field_name="from_post__agency", label="机构"
    )
    live = django_filters.ChoiceFilter(choices=[("1", "生效中")], method="by_state", label="状态")

    class Meta:
        model = Delegation
        fields: list[str] = []

    def by_state(self, queryset, name, value):
        today = timezone.localdate()
        return queryset.filter(revoked_at__isnull=True, starts__lte=today, ends__gte=today)


def _rows(request):
    return (
        Delegation.objects.filter(from_post__agency__place__range=jurisdiction(request.post.agency.place))
        .select_related("from_post__account", "from_post__agency", "to_post__account", "to_post__agency")
        .defer("from_post__account__password", "to_post__account__password")
    )


@access.reader
def index(request):
    return list_page(
        request,
        table=DelegationTable,
        queryset=_rows(request),
        filters=DelegationFilter,
        template="desk/delegations.html",
        on_export=exported(request, "委托"),
    )


@require_POST
@access.security
def revoke(request, key: int):
    given = get_object_or_404(_rows(request), pk=key)
    try:
        delegation.revoke(Actor.of(request), given)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "委托已经撤销，下一次操作起失效。")
    return redirect("desk-delegations")
