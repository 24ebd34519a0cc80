"""The operation log and the sign-in log, read within the range of one's post; reading is logged too."""

import django_filters
import django_tables2 as tables
from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from jinzhi.foundation import history
from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.acting import Actor, accounts_of
from jinzhi.foundation.people.models import SignIn
from jinzhi.foundation.places import scope
from jinzhi.web import navigation
from jinzhi.web.lists import CheckFilter, DaysFilter, ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import cn_time, lamp

from . import access
from .lists import exported, link

READ = "desk.log.read"


class LogTable(ListTable):
    name = "log"
    title = "操作日志"
    sorts = {"at": ("-id",)}

    at = tables.Column("时间")
    kind = tables.Column("行为", attrs={"td": {"class": "main-cell"}})
    actor = tables.Column("行为人")
    on_behalf = tables.Column("代表", default="", attrs={"th": {"data-off": ""}})
    post = tables.Column("任职")
    subject = tables.Column("对象")
    content = tables.Column("内容", accessor="data", empty_values=())
    address = tables.Column("来源地址", default="", attrs={"th": {"data-off": ""}})
    chain = tables.Column("链", attrs={"th": {"data-off": ""}})
    seq = tables.Column("序号", attrs={"th": {"data-off": ""}, "td": {"class": "number"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("desk-log-entry", args=[record.pk])}

    def render_at(self, value):
        return cn_time(value)

    def render_kind(self, record):
        return link(reverse("desk-log-entry", args=[record.pk]), navigation.audit_kind(record.kind))

    def value_kind(self, record):
        return navigation.audit_kind(record.kind)

    def render_actor(self, record):
        return f"{record.actor} 代 {record.on_behalf}" if record.on_behalf else record.actor

    def render_content(self, record):
        return summary(record.data)


def summary(data: dict, longest: int = 60) -> str:
    """The first facts of an entry on one line."""
    parts = []
    for name, value in data.items():
        changed = isinstance(value, list) and len(value) == 2
        words = f"{value[0] or '空'} → {value[1] or '空'}" if changed else value
        parts.append(f"{name}：{words}")
    text = "；".join(parts)
    return text if len(text) <= longest else text[: longest - 1] + "…"


class LogFilter(ListFilter):
    words = ("actor", "subject", "post", "on_behalf")
    placeholder = "行为人、对象、任职"
    first = ("q", "kind", "at")

    kind = django_filters.ChoiceFilter(choices=navigation.audit_kinds, label="行为")
    at = DaysFilter(label="日期")
    chain = django_filters.CharFilter(label="链", lookup_expr="exact")
    reading = CheckFilter(method="with_reading", label="包含查阅记录")

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def with_reading(self, queryset, name, value):
        return queryset


def _entries(request):
    entries = AuditEntry.objects.all()
    asked = request.GET
    return entries if asked.get("reading") or asked.get("kind") == READ else entries.exclude(kind=READ)


def _asked(request) -> dict:
    return {"条件": request.GET.urlencode()} if request.GET else {}


@access.reader
def log(request):
    """Rows of the range come from row-level security; the first page of a look is itself an entry."""
    if not (request.GET.get("after") or request.GET.get("before") or request.GET.get("export")):
        Actor.of(request).record(READ, "操作日志", _asked(request))
    return list_page(
        request,
        table=LogTable,
        queryset=_entries(request),
        filters=LogFilter,
        template="desk/log.html",
        context={"may_verify": "auditor" in request.roles},
        on_export=exported(request, "操作日志"),
    )


@access.reader
def entry(request, key: int):
    found = get_object_or_404(AuditEntry, pk=key)
    context = {"entry": found, "kind": navigation.audit_kind(found.kind), "facts": _facts(found.data)}
    return render(request, "desk/log_entry.html", context)


def _facts(data: dict) -> list[dict]:
    facts = []
    for name, value in data.items():
        changed = isinstance(value, list) and len(value) == 2
        facts.append(
            {"name": name, "value": value[1] if changed else value, "was": value[0] if changed else None}
        )
    return facts


@require_POST
@access.auditor
def verify(request):
    """Recomputes every chain; needs the eyes of the system, because a chain crosses jurisdictions."""
    with scope.acting(scope.SYSTEM):
        faults = history.verify()
    Actor.of(request).record("desk.log.verified", "操作日志", {"断点": len(faults)})
    if faults:
        messages.error(request, f"发现 {len(faults)} 处不一致：{faults[0]}")
    else:
        messages.success(request, "全部日志链首尾相接、散列一致，没有被改动或者删除。")
    return redirect("desk-log")


class SignInTable(ListTable):
    name = "signins"
    title = "登录日志"
    sorts = {"at": ("-id",)}

    at = tables.Column("时间")
    username = tables.Column("用户名", attrs={"td": {"class": "main-cell"}})
    person = tables.Column("姓名", accessor="account__name", default="")
    result = tables.Column("结果")
    address = tables.Column("来源地址", default="")
    agent = tables.Column("终端", attrs={"th": {"data-off": ""}})

    def render_at(self, value):
        return cn_time(value)

    def render_result(self, record):
        words = record.get_result_display()
        return lamp("red" if record.result in ("failed", "locked") else "done", words)

    def value_result(self, record):
        return record.get_result_display()


class SignInFilter(ListFilter):
    words = ("username", "account__name")
    placeholder = "用户名、姓名"
    first = ("q", "result", "at")

    result = django_filters.ChoiceFilter(choices=SignIn.Result.choices, label="结果")
    at = DaysFilter(label="日期")
    address = django_filters.CharFilter(label="来源地址", lookup_expr="exact")

    class Meta:
        model = SignIn
        fields: list[str] = []


@access.reader
def signins(request):
    """Of people within the range; the node's own level sees enterprises and unknown names as well."""
    rows = SignIn.objects.select_related("account").defer("account__password")
    if request.post.agency.place != int(f"{settings.NODE:0<12}"):
        rows = rows.filter(Q(account__in=accounts_of(request.post)))
    return list_page(
        request,
        table=SignInTable,
        queryset=rows,
        filters=SignInFilter,
        template="desk/signins.html",
        on_export=exported(request, "登录日志"),
    )
