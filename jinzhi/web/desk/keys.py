"""Keys of other agencies' systems, on the desk."""

from datetime import timedelta

import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST

from jinzhi.foundation.people import keys
from jinzhi.foundation.people.acting import Actor, Refused, agencies_of
from jinzhi.foundation.people.models import Agency, ApiKey, Post
from jinzhi.web.forms import PlainWords, choose_from
from jinzhi.web.lists import ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import state

from . import access
from .lists import exported

USUAL_RATE = 600


class KeyTable(ListTable):
    name = "keys"
    title = "接口密钥"
    sorts = {"issued": ("-issued_at", "-id"), "expires_on": ("expires_on", "id")}

    name_ = tables.Column("使用单位或系统", accessor="name", attrs={"td": {"class": "main-cell"}})
    shown = tables.Column("密钥开头", attrs={"td": {"class": "nowrap"}})
    agency = tables.Column("机构", accessor="agency__short_name")
    scopes = tables.Column("权限", empty_values=())
    rate = tables.Column("每分钟次数")
    expires_on = tables.DateColumn(verbose_name="有效期至", format="Y-m-d")
    last_used_at = tables.DateTimeColumn(verbose_name="最近使用", format="Y-m-d H:i")
    state = tables.Column("状态", empty_values=())
    acts = tables.Column("", empty_values=(), exclude_from_export=True, attrs={"td": {"class": "acts"}})

    def render_scopes(self, record):
        return "、".join(keys.SCOPES[s] for s in record.scopes) or "公开信息"

    def render_state(self, record):
        return state(*_state(record))

    def value_state(self, record):
        return _state(record)[0]

    def render_acts(self, record):
        if _state(record)[0] != "有效" or "security_administrator" not in self.request.roles:
            return ""
        return render_to_string("desk/key_act.html", {"key": record}, self.request)


def _state(record: ApiKey) -> tuple[str, str]:
    if record.revoked_at:
        return "已停用", "grey"
    return ("已到期", "grey") if record.expires_on < timezone.localdate() else ("有效", "green")


class KeyFilter(ListFilter):
    words = ("name", "shown", "agency__name")
    placeholder = "单位、系统、密钥开头"

    class Meta:
        model = ApiKey
        fields: list[str] = []


class KeyForm(PlainWords, forms.Form):
    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        label="机构",
        empty_label="请选择机构",
        help_text="密钥只看得到这个机构管辖范围内的数据。",
    )
    name = forms.CharField(label="使用单位或系统", max_length=60)
    scopes = forms.MultipleChoiceField(
        label="权限",
        choices=list(keys.SCOPES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="一项也不选，只能读公开信息。",
    )
    rate = forms.IntegerField(label="每分钟次数", min_value=1, max_value=keys.MOST_RATE, initial=USUAL_RATE)
    expires_on = forms.DateField(
        label="有效期至", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args, reach: Post, **kwargs):
        super().__init__(*args, **kwargs)
        choose_from(self, "agency", agencies_of(reach))
        self.fields["expires_on"].initial = timezone.localdate() + timedelta(days=180)


@access.reader
def index(request):
    may_issue = "security_administrator" in request.roles
    return list_page(
        request,
        table=KeyTable,
        queryset=keys.of(request.post),
        filters=KeyFilter,
        template="desk/keys.html",
        context={
            "may_issue": may_issue,
            "empty_title": "还没有发放过密钥",
            "empty_text": "外部系统通过接口批量读取数据时，由安全管理员在这里发放。",
        },
        on_export=exported(request, "接口密钥"),
    )


@access.security
def new(request):
    form = KeyForm(request.POST or None, reach=request.post)
    if request.method == "POST" and form.is_valid():
        try:
            key, text = keys.issue(Actor.of(request), **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            return render(request, "desk/key.html", {"key": key, "text": text})
    return render(request, "desk/key_new.html", {"form": form})


@require_POST
@access.security
def revoke(request, key: int):
    found = get_object_or_404(keys.of(request.post), pk=key)
    try:
        keys.revoke(Actor.of(request), found)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"“{found.name}”的密钥已经停用，下一次请求起无效。")
    return redirect("desk-keys")
