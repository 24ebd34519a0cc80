"""Partners on the workbench: the list, one partner with its ways, limits, keys, grants and last exchanges."""

import django_filters
import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.models import Grant, Request
from jinzhi.network.catalogue.views_requests import area_name
from jinzhi.network.partners import bridge, files, granting, outlet, partnering, signatures, watching
from jinzhi.network.partners.models import GATEWAYS, Batch, Call, Key, Partner
from jinzhi.web.forms import PlainWords
from jinzhi.web.lists import ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import state

reader = role_required(*partnering.READERS)
setter = role_required(*partnering.SETTERS)
keyer = role_required(*partnering.KEYERS)
SHOWN = 30


@require_safe
@reader
def index(request):
    """Every partner with what stands out: not set up, limited, receipts that are late."""
    rows: list[dict] = []
    for partner in Partner.objects.order_by("kind", "code"):
        lacks = [] if partner.is_open else partnering.what_lacks(partner)
        rows.append({"p": partner, "lacks": lacks, "late": watching.overdue(partner.channel) if partner.is_open else 0,
                     "here": _standing(partner)})  # fmt: skip
    kinds = [(word, [row for row in rows if row["p"].kind == kind]) for kind, word in Partner.Kind.choices]
    context = {
        "kinds": [(word, found) for word, found in kinds if found], "may_set": bool(request.roles & set(partnering.SETTERS)),
        "ways": GATEWAYS, "open": sum(row["p"].is_open for row in rows), "every": len(rows),
        "late": sum(bool(row["late"]) for row in rows), "limited": sum(row["p"].state == "limited" for row in rows),
    }  # fmt: skip
    return render(request, "partners/index.html", context)


def _standing(partner: Partner) -> dict | None:
    with scope.acting(scope.SYSTEM):
        try:
            here = outlet.standing(partner)
        except outlet.Refused:
            return None
    return here | {"behind": here["numbered"] - here["acknowledged"]}


def _partner(code: str) -> Partner:
    return get_object_or_404(Partner, code=code)


@require_safe
@reader
def partner(request, code: str):
    """One partner."""
    found = _partner(code)
    titles = {key: one.title for key, one in declared.all().items()}
    grants = Grant.objects.filter(kind=granting.KIND, consumer=code).order_by("state", "inward", "dataset")
    shown = [
        {"g": g, "title": titles.get(g.dataset, g.dataset), "area": area_name(g.area)} for g in grants[:60]
    ]
    active = {(g.dataset, g.inward) for g in grants if g.state == "active"}
    here = _standing(found)
    context = {
        "p": found, "here": here, "late": watching.overdue(found.channel), "ways": GATEWAYS,
        "delivery": GATEWAYS[found.delivery], "accepts": [GATEWAYS[way] for way in found.accepts],
        "area": area_name(found.lo) if found.hi - found.lo < 10**11 else "全国",
        "grants": shown, "keys": [{"k": k, "state": _key_state(k)} for k in found.keys.order_by("-valid_from", "-id")],
        "batches": found.batches.order_by("-id")[:8], "calls": found.calls.order_by("-id")[:SHOWN],
        "requests": Request.objects.filter(kind=granting.KIND, consumer=code, state="open"),
        "lacks": [] if found.is_open else partnering.what_lacks(found),
        "offers": [(key, titles[key]) for key in found.offers if key in titles and (key, True) not in active],
        "wants": [(key, titles[key]) for key in found.wants if key in titles and (key, False) not in active],
        "may_set": bool(request.roles & set(partnering.SETTERS)), "may_key": bool(request.roles & set(partnering.KEYERS)),
        "own_key": signatures.own_public(), "folder": files.folder(found), "schema": bridge.schema(found),
        "uses": {found.delivery, *found.accepts}, "skew": rules.value("partners.clock_skew", on=calendar.today()),
        "share": 100 * here["behind"] / found.max_unacknowledged if here else 0,
    }  # fmt: skip
    return render(request, "partners/partner.html", context)


def _key_state(key: Key) -> tuple[str, str]:
    if key.revoked_at:
        return "已停用", "grey"
    return ("已到期", "grey") if key.valid_to < calendar.today() else ("有效", "green")


class PartnerForm(PlainWords, forms.Form):
    """What is agreed with a partner; `code` and `area` only when it is new."""

    name = forms.CharField(label="名称", max_length=60)
    kind = forms.ChoiceField(label="类别", choices=Partner.Kind.choices)
    code = forms.CharField(
        label="代号", max_length=12, help_text="2 至 12 个小写字母和数字，字母开头。登记后不能改。"
    )
    area = forms.TypedChoiceField(label="可以提供哪里的记录", coerce=int)
    delivery = forms.ChoiceField(
        label="接收方式", choices=list(GATEWAYS.items()), help_text="我方的数据怎样给对方。"
    )
    accepts = forms.MultipleChoiceField(
        label="可用的提交方式",
        choices=list(GATEWAYS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    file_format = forms.ChoiceField(label="文件格式", choices=[("csv", "CSV"), ("xml", "XML")], initial="csv")
    file_encoding = forms.ChoiceField(
        label="文件编码", choices=[("UTF-8", "UTF-8"), ("GB18030", "GB 18030")], initial="UTF-8"
    )
    max_payload = forms.IntegerField(label="单个请求上限（字节）", initial=1_000_000)
    rate = forms.IntegerField(label="每分钟请求数", initial=120)
    connections = forms.IntegerField(label="同时连接数", initial=4)
    max_unacknowledged = forms.IntegerField(
        label="未确认消息上限", initial=100_000, help_text="超过即暂停提供，对方确认以后自动恢复。"
    )
    addresses = forms.CharField(
        label="允许的来源地址", required=False, widget=forms.Textarea(attrs={"rows": 2, "wide": True}),
        help_text="每行一个地址或者网段，不填为不限。",
    )  # fmt: skip
    contact = forms.CharField(label="联系人", max_length=60, required=False)
    phone = forms.CharField(label="电话", max_length=40, required=False)
    note = forms.CharField(
        label="说明", max_length=300, required=False, widget=forms.TextInput(attrs={"wide": True})
    )

    AREAS = (
        (0, "全国"),
        (330000_000000, "本省"),
        (310000_000000, "上海市"),
        (320000_000000, "江苏省"),
        (340000_000000, "安徽省"),
    )

    def __init__(self, *args, new: bool, **kwargs):
        super().__init__(*args, **kwargs)
        area = self.fields["area"]
        assert isinstance(area, forms.TypedChoiceField)
        area.choices = list(self.AREAS)
        if not new:
            for name in ("code", "area", "kind"):
                del self.fields[name]

    def agreed(self) -> dict:
        """The cleaned data as the service takes it."""
        said = dict(self.cleaned_data)
        said["addresses"] = said["addresses"].split()
        return said


@setter
def new(request):
    form = PartnerForm(request.POST or None, new=True)
    if request.method == "POST" and form.is_valid():
        try:
            made = partnering.create(Actor.of(request), **form.agreed())
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            messages.success(request, f"已登记{made.name}，尚未启用。")
            return redirect("partners-partner", made.code)
    context = {"form": form, "save_word": "登记", "cancel_url": reverse("partners-index")}
    return render(request, "partners/form.html", context)


@setter
def change(request, code: str):
    found = _partner(code)
    initial = {f: getattr(found, f) for f in PartnerForm.base_fields if hasattr(found, f)}
    initial["addresses"] = "\n".join(found.addresses)
    form = PartnerForm(request.POST or None, new=False, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            partnering.change(Actor.of(request), found, form.agreed())
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            messages.success(request, "已保存。")
            return redirect("partners-partner", code)
    context = {"form": form, "p": found, "cancel_url": reverse("partners-partner", args=[code])}
    return render(request, "partners/form.html", context)


class KeyForm(PlainWords, forms.Form):
    algorithm = forms.ChoiceField(label="算法", choices=Key.Algorithm.choices)
    valid_to = forms.DateField(
        label="有效期至", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="不填为最长期限。",
    )  # fmt: skip
    text = forms.CharField(
        label="公钥", max_length=2000, widget=forms.Textarea(attrs={"rows": 5, "wide": True}),
        help_text="PEM、Base64 或者十六进制；NKey 为 U 开头的 56 个字符。只登记公钥，私钥由对方保管。",
    )  # fmt: skip
    note = forms.CharField(
        label="说明", max_length=100, required=False, widget=forms.TextInput(attrs={"wide": True})
    )


@keyer
def add_key(request, code: str):
    found = _partner(code)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key = partnering.add_key(Actor.of(request), found, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            messages.success(request, f"公钥已登记，编号 {key.key_id}，有效期至 {key.valid_to}。")
            return redirect("partners-partner", code)
    context = {
        "form": form,
        "p": found,
        "save_word": "登记公钥",
        "cancel_url": reverse("partners-partner", args=[code]),
    }
    return render(request, "partners/key.html", context)


@require_POST
@keyer
def revoke(request, code: str, key):
    found = get_object_or_404(Key, pk=key, partner__code=code)
    return _done(
        request,
        code,
        lambda: partnering.revoke_key(Actor.of(request), found),
        "密钥已停用，下一个请求起无效。",
    )


def _done(request, code: str, act, words: str):
    try:
        act()
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, words)
    return redirect("partners-partner", code)


@require_POST
@setter
def switch_on(request, code: str):
    found = _partner(code)
    return _done(
        request, code, lambda: partnering.switch_on(Actor.of(request), found), f"{found.name}已启用。"
    )


@require_POST
@role_required(*partnering.SETTERS, *partnering.KEYERS)
def switch_off(request, code: str):
    found, reason = _partner(code), request.POST.get("reason", "")
    return _done(
        request,
        code,
        lambda: partnering.switch_off(Actor.of(request), found, reason),
        f"{found.name}已停用。",
    )


class DeliverForm(PlainWords, forms.Form):
    dataset = forms.ChoiceField(label="数据集")
    until = forms.DateField(label="期限止", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    purpose = forms.CharField(
        label="用途和协议", max_length=500, widget=forms.Textarea(attrs={"rows": 3, "wide": True})
    )

    def __init__(self, *args, partner: Partner, **kwargs):
        super().__init__(*args, **kwargs)
        first = [key for key in partner.offers if key in declared.all()]
        rest = [
            k
            for k, one in declared.all().items()
            if one.flow in ("in", "both") and not one.in_table and k not in first
        ]
        choice = self.fields["dataset"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [
            (k, f"{declared.get(k).title}（{declared.get(k).identifier}）") for k in first + rest
        ]
        day = calendar.today()
        self.fields["until"].initial = day.fromordinal(day.toordinal() + 365)


@setter
def let_deliver(request, code: str):
    """Authorise a partner to deliver a dataset."""
    found = _partner(code)
    form = DeliverForm(
        request.POST or None, partner=found, initial={"dataset": request.GET.get("dataset", "")}
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            actor = Actor.of(request)
            granting.let_deliver(actor, found, said["dataset"], [], said["until"], said["purpose"])
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            messages.success(request, f"{found.name}可以提供{declared.get(said['dataset']).title}。")
            return redirect("partners-partner", code)
    context = {
        "form": form,
        "p": found,
        "save_word": "授权提供",
        "cancel_url": reverse("partners-partner", args=[code]),
    }
    return render(request, "partners/deliver.html", context)


# -- batches


class BatchTable(ListTable):
    name = "partner-batches"
    title = "交换批次"
    sorts = {"started_at": ("-started_at", "-id")}

    number = tables.Column("批次号", attrs={"td": {"class": "main-cell"}})
    partner = tables.Column("伙伴", accessor="partner__name")
    outward = tables.Column("方向")
    gateway = tables.Column("方式")
    dataset = tables.Column("数据集")
    rows_ = tables.Column("条数", accessor="rows", attrs={"td": {"class": "num"}})
    accepted = tables.Column("接受", attrs={"td": {"class": "num"}})
    rejected = tables.Column("拒收", attrs={"td": {"class": "num"}})
    started_at = tables.DateTimeColumn(
        verbose_name="时间", format="Y-m-d H:i", attrs={"td": {"class": "nowrap"}}
    )
    state = tables.Column("状态", attrs={"td": {"class": "nowrap"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("partners-batch", args=[record.pk])}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.titles = {key: one.title for key, one in declared.all().items()}

    def render_number(self, value, record):
        return format_html('<a href="{}">{}</a>', reverse("partners-batch", args=[record.pk]), value)

    def value_number(self, value):
        return value

    def render_outward(self, value):
        return "发出" if value else "收到"

    def render_dataset(self, value):
        return self.titles.get(value, value)

    def render_state(self, record):
        return state(record.get_state_display(), record.tone)

    def value_state(self, record):
        return record.get_state_display()


class BatchFilter(ListFilter):
    words = ("number", "partner__name", "dataset")
    placeholder = "批次号、伙伴、数据集代号"
    first = ("q", "state", "outward")
    state = django_filters.ChoiceFilter(label="状态", choices=Batch.State.choices)
    outward = django_filters.TypedChoiceFilter(
        label="方向", choices=[("0", "收到"), ("1", "发出")], coerce=lambda text: text == "1"
    )

    class Meta:
        model = Batch
        fields = ["state", "outward"]


@require_safe
@reader
def batches(request):
    """Batches of all partners, the newest first."""
    return list_page(
        request, table=BatchTable, queryset=Batch.objects.select_related("partner"), filters=BatchFilter,
        template="partners/batches.html",
        context={"empty_title": "还没有交换过批次", "empty_text": "伙伴提交的批次和写给伙伴的批次列在这里，带各级回执。"},
    )  # fmt: skip


RECEIPTS = {"R1": "收到", "R2": "解析", "R3": "入库", "R4": "拒收清单"}


@require_safe
@reader
def batch(request, key):
    """One batch with its receipts."""
    found = get_object_or_404(Batch.objects.select_related("partner"), pk=key)
    one = declared.all().get(found.dataset)
    receipts = [(name, word, found.receipts.get(name)) for name, word in RECEIPTS.items()]
    context = {
        "b": found, "title": one.title if one else found.dataset, "receipts": receipts,
        "rejected": (found.receipts.get("R4") or {}).get("rejected", [])[:200],
        "calls": Call.objects.filter(partner=found.partner, what__contains=found.number).order_by("-id")[:5],
    }  # fmt: skip
    return render(request, "partners/batch.html", context)
