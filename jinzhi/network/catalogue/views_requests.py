"""Asking for access, answering, and the grants in force."""

from datetime import date

import django_filters
import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.people.access import role_required, staff_required
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.places import services as places
from jinzhi.network.catalogue import consumers, metadata, registering, requesting
from jinzhi.network.catalogue.models import Grant, Request
from jinzhi.web.forms import PlainWords
from jinzhi.web.lists import ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import lamp, state

USUAL_DAYS = 365


def _titles() -> dict[str, str]:
    return {key: one.title for key, one in declared.all().items()}


def area_name(area: int) -> str:
    return "全部地区" if area == 0 else places.name_path(area, separator="")


class RequestTable(ListTable):
    name = "catalogue-requests"
    title = "共享申请"
    sorts = {"asked_on": ("-asked_on", "-id")}

    number = tables.Column("申请编号", attrs={"td": {"class": "main-cell nowrap"}})
    dataset = tables.Column("数据集")
    consumer_name = tables.Column("使用方")
    purpose = tables.Column("用途")
    until = tables.DateColumn(verbose_name="期限止", format="Y-m-d", attrs={"td": {"class": "nowrap"}})
    asked_on = tables.DateColumn(verbose_name="申请日期", format="Y-m-d", attrs={"td": {"class": "nowrap"}})
    state = tables.Column("状态", attrs={"td": {"class": "nowrap"}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("catalogue-request", args=[record.pk])}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.titles = _titles()

    def render_number(self, value, record):
        return format_html('<a href="{}">{}</a>', reverse("catalogue-request", args=[record.pk]), value)

    def value_number(self, value):
        return value

    def render_dataset(self, value):
        return self.titles.get(value, value)

    def render_state(self, record):
        if record.state != Request.State.OPEN:
            return state(record.get_state_display(), record.tone)
        due = requesting.due(record)
        late = due < calendar.today()
        return lamp("red" if late else "green", f"{due.month}月{due.day}日前答复")

    def value_state(self, record):
        return record.get_state_display()


class RequestFilter(ListFilter):
    words = ("number", "consumer_name", "purpose")
    placeholder = "编号、使用方、用途"
    first = ("q", "state")
    state = django_filters.ChoiceFilter(label="状态", choices=Request.State.choices)

    class Meta:
        model = Request
        fields = ["state"]


@require_safe
@staff_required
def requests(request):
    """Requests of this post's agency, and those its agency has to answer."""
    return list_page(
        request, table=RequestTable, queryset=Request.objects.all(), filters=RequestFilter,
        template="catalogue/requests.html",
        context={
            "limit": rules.value("catalogue.answer", on=calendar.today()), "empty_title": "还没有共享申请",
            "empty_text": "在目录中打开一项数据，选择“申请使用”。", "empty_url": reverse("catalogue-index"),
            "empty_action": "打开目录",
        },
    )  # fmt: skip


# -- asking


class AskForm(PlainWords, forms.Form):
    consumer = forms.ChoiceField(label="使用方")
    area = forms.TypedChoiceField(label="数据范围", coerce=int, help_text="这个地区及其所属的记录。")
    chosen = forms.MultipleChoiceField(
        label="信息项",
        widget=forms.CheckboxSelectMultiple(attrs={"wide": True}),
        help_text="按最小必要选择。不予共享的不在其中。",
    )
    purpose = forms.CharField(
        label="用途", max_length=500, widget=forms.Textarea(attrs={"rows": 3, "wide": True}),
        help_text="用于哪项职责、哪个系统；取得的数据不得用于其他目的。",
    )  # fmt: skip
    legal_basis = forms.CharField(
        label="依据", max_length=300, required=False, widget=forms.TextInput(attrs={"wide": True}),
        help_text="有条件共享的信息项必须填写。",
    )  # fmt: skip
    since = forms.DateField(label="期限起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label="期限止", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    existing = forms.BooleanField(
        label="需要已有的全部记录（不选则只要以后的变化）", required=False, initial=True
    )

    def __init__(self, *args, one: declared.Dataset, request, **kwargs):
        super().__init__(*args, **kwargs)
        self._choose("consumer", _consumers(one, request))
        areas = [
            (d.place, d.name)
            for d in places.inside(request.scope.lo)
            if d.level != "county" or request.scope.lo % 100_000_000
        ]
        if one.flow in ("in", "both") and not one.in_table:
            areas.insert(0, (0, "全部地区"))
        self._choose("area", areas)
        words = {"conditional": "（有条件）", "unconditional": ""}
        self._choose(
            "chosen",
            [(f.key, f.title + words[metadata.effective_share(one, f)]) for f in metadata.offered(one)],
        )
        today = calendar.today()
        longest = rules.value("catalogue.longest_grant", on=today)
        self.fields["since"].initial = today
        self.fields["until"].initial = date.fromordinal(today.toordinal() + USUAL_DAYS)
        self.fields["until"].help_text = f"一次不超过 {longest.shown}，期满可以重新申请。"

    def _choose(self, name: str, choices: list) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField | forms.MultipleChoiceField | forms.TypedChoiceField)
        field.choices = choices


def _named(form: forms.Form, field: str | None) -> str | None:
    """The form's field a refusal is about."""
    name = "chosen" if field == "fields" else field
    return name if name in form.fields else None


def _consumers(one: declared.Dataset, request) -> list[tuple[str, str]]:
    """The own agency, and for the provider's people the partners whose letters they enter."""
    agency = request.post.agency
    found = [] if agency.key == one.owner else [(f"agency:{agency.key}", agency.name)]
    if agency.key == one.owner:
        for kind in consumers.KINDS.values():
            if kind.key != "agency":
                found += [(f"{kind.key}:{key}", f"{name}（来函登记）") for key, name in kind.offered()]
    return found


@role_required(*requesting.ASKERS)
def ask(request, key: str):
    """The request's form."""
    try:
        one = metadata.find(key)
    except declared.Undeclared as fault:
        raise Http404(str(fault)) from None
    start = {
        "chosen": [f.key for f in one.fields if f.required and f.share != "no"],
        "consumer": request.GET.get("for", ""),
    }
    form = AskForm(request.POST or None, one=one, request=request, initial=start)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        kind, _, consumer = said["consumer"].partition(":")
        wish = requesting.Wish(
            one.key, kind, consumer, said["purpose"], tuple(said["chosen"]), said["since"], said["until"], said["area"],
            said["legal_basis"], said["existing"],
        )  # fmt: skip
        try:
            row = requesting.ask(Actor.of(request), wish)
        except Refused as refused:
            form.add_error(_named(form, refused.field), refused.message)
        else:
            due = requesting.due(row)
            messages.success(
                request, f"申请 {row.number} 已提交，提供方应在 {due.month}月{due.day}日前答复。"
            )
            return redirect("catalogue-request", row.pk)
    context = {"form": form, "d": one, "save_word": "提出申请", "withheld": metadata.withheld(one)}
    context["cancel_url"] = reverse("catalogue-dataset", args=[one.key])
    return render(request, "catalogue/ask.html", context)


# -- answering


class AnswerForm(PlainWords, forms.Form):
    chosen = forms.MultipleChoiceField(
        label="同意提供的信息项", required=False, widget=forms.CheckboxSelectMultiple(attrs={"wide": True}),
        help_text="可以少给，不能多给。",
    )  # fmt: skip
    until = forms.DateField(
        label="授权至", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="可以缩短，不能延长。",
    )  # fmt: skip
    text = forms.CharField(
        label="答复意见", max_length=500, widget=forms.Textarea(attrs={"rows": 3, "wide": True})
    )

    def __init__(self, *args, row: Request, **kwargs):
        super().__init__(*args, **kwargs)
        one = declared.get(row.dataset)
        chosen = self.fields["chosen"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        chosen.choices = [(k, one.by_key[k].title) for k in row.fields if k in one.by_key]
        chosen.initial, self.fields["until"].initial = row.fields, row.until


@staff_required
def request_page(request, key):
    """One request, and the answer where this post may give it."""
    row = get_object_or_404(Request, pk=key)
    one = declared.all().get(row.dataset)
    may_answer = (
        row.state == Request.State.OPEN and one is not None and request.post.agency.key == row.provider
        and bool(request.roles & set(registering.KEEPERS))
    )  # fmt: skip
    own = row.asked_by == request.user.pk
    form = AnswerForm(request.POST or None, row=row) if may_answer and not own else None
    if request.method == "POST":
        if form is None:
            messages.error(request, "您的任职不能答复这项申请。")
            return redirect("catalogue-request", row.pk)
        if form.is_valid() and _answered(request, row, form):
            return redirect("catalogue-request", row.pk)
    may_withdraw = row.state == "open" and (
        own or (row.kind == "agency" and row.consumer == request.post.agency.key)
    )
    grant = Grant.objects.filter(request=row).first()
    context = {
        "r": row, "d": one, "form": form, "own": may_answer and own, "may_withdraw": may_withdraw,
        "items": [one.by_key[k].title if one and k in one.by_key else k for k in row.fields],
        "due": requesting.due(row), "late": requesting.late(row), "area": area_name(row.area),
        "rule": rules.value("catalogue.answer", on=row.asked_on), "grant": grant,
        "provider": requesting.provider_name(row.provider),
    }  # fmt: skip
    if grant and one:
        context["given"] = [one.by_key[k].title for k in grant.fields if k in one.by_key]
    return render(request, "catalogue/request.html", context)


def _answered(request, row: Request, form: AnswerForm) -> bool:
    said = form.cleaned_data
    accept = request.POST.get("accept") == "1"
    try:
        requesting.answer(
            Actor.of(request), row.pk, accept=accept, text=said["text"], fields=said["chosen"] if accept else None,
            until=said["until"],
        )  # fmt: skip
    except Refused as refused:
        form.add_error(_named(form, refused.field), refused.message)
        return False
    messages.success(request, "已同意并授权，数据从现在起提供。" if accept else "已答复不同意。")
    return True


@require_POST
@staff_required
def withdraw(request, key):
    try:
        requesting.withdraw(Actor.of(request), key)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "申请已撤回。")
    return redirect("catalogue-request", key)


# -- grants


class GrantTable(ListTable):
    name = "catalogue-grants"
    title = "数据授权"
    sorts = {"since": ("-since", "-id"), "until": ("until", "id")}

    consumer_name = tables.Column("对方", attrs={"td": {"class": "main-cell"}})
    inward = tables.Column("方向")
    dataset = tables.Column("数据集")
    fields = tables.Column("信息项", orderable=False)
    area = tables.Column("数据范围")
    since = tables.DateColumn(verbose_name="期限起", format="Y-m-d", attrs={"td": {"class": "nowrap"}})
    until = tables.DateColumn(verbose_name="期限止", format="Y-m-d", attrs={"td": {"class": "nowrap"}})
    state = tables.Column("状态")
    acts = tables.Column("", empty_values=(), exclude_from_export=True, attrs={"td": {"class": "acts"}})

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.titles = _titles()

    def render_inward(self, value):
        return "对方提供" if value else "向对方提供"

    def render_dataset(self, value):
        return self.titles.get(value, value)

    def render_fields(self, value):
        return f"{len(value)} 项"

    def value_fields(self, value):
        return "、".join(value)

    def render_area(self, value):
        return area_name(value)

    def render_state(self, record):
        return state(record.get_state_display(), record.tone)

    def value_state(self, record):
        return record.get_state_display()

    def render_acts(self, record):
        one = declared.all().get(record.dataset)
        mine = record.kind == "agency" and record.consumer == self.request.post.agency.key
        keeps = (
            one
            and self.request.post.agency.key == one.owner
            and self.request.roles & set(registering.KEEPERS)
        )
        if record.state != Grant.State.ACTIVE or not (mine or keeps):
            return ""
        return render_to_string("catalogue/_end.html", {"grant": record}, self.request)


class GrantFilter(ListFilter):
    words = ("consumer_name", "dataset", "purpose")
    placeholder = "对方、数据集代号、用途"
    first = ("q", "state", "inward")
    state = django_filters.ChoiceFilter(label="状态", choices=Grant.State.choices)
    inward = django_filters.TypedChoiceFilter(
        label="方向", choices=[("0", "向对方提供"), ("1", "对方提供")], coerce=lambda text: text == "1"
    )

    class Meta:
        model = Grant
        fields = ["state", "inward"]


@require_safe
@staff_required
def grants(request):
    """Who may use what until when; the provider or the consumer may end it."""
    return list_page(
        request, table=GrantTable, queryset=Grant.objects.all(), filters=GrantFilter, template="catalogue/grants.html",
        context={"empty_title": "还没有授权", "empty_text": "提供方同意一项申请以后，授权列在这里。"},
    )  # fmt: skip


@require_POST
@staff_required
def end(request, key):
    try:
        requesting.end(Actor.of(request), key, request.POST.get("reason", ""))
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "授权已终止，下一条记录起不再提供。")
    return redirect("catalogue-grants")
