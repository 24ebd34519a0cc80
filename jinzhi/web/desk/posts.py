"""Posts on the desk: list, appointment, change, end."""

import django_filters
import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from jinzhi.foundation.people import roles, services
from jinzhi.foundation.people.acting import Actor, Refused, accounts_of, agencies_of, posts_of
from jinzhi.foundation.people.models import Agency, Department, Post
from jinzhi.web.forms import PlainWords, choose_from
from jinzhi.web.lists import ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import cn_date, state

from . import access
from .lists import exported, link, role_text, role_words


class PostFields(PlainWords, forms.Form):
    """Fields of an appointment; the department is typed by choice from those of the range."""

    department = forms.ModelChoiceField(
        Department.objects.none(), label="处室", required=False, empty_label="不分处室"
    )
    title = forms.CharField(label="职务", max_length=40)
    valid_from = forms.DateField(
        label="任职起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    valid_to = forms.DateField(
        label="任职止",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="不填表示没有期限。",
    )


class AgencyChoice(forms.Form):
    """Adds the agency, chosen among those the administrator reaches, with its departments."""

    agency = forms.ModelChoiceField(Agency.objects.none(), label="机构", empty_label="请选择机构")

    def __init__(self, *args, reach: Post, **kwargs):
        super().__init__(*args, **kwargs)
        choose_from(self, "agency", agencies_of(reach))
        htmx = {"hx-get": reverse("desk-departments"), "hx-target": "#id_department"}
        self.fields["agency"].widget.attrs |= htmx
        self.fields["valid_from"].initial = timezone.localdate
        chosen = self.data.get("agency", "")
        if chosen.isdigit():
            held = Department.objects.filter(agency_id=chosen, agency__in=agencies_of(reach))
            choose_from(self, "department", held)


@access.administrator
def departments(request):
    """Options of the department field for the agency just chosen."""
    chosen = request.GET.get("agency", "")
    held = Department.objects.filter(
        agency__in=agencies_of(request.post), agency_id=int(chosen) if chosen.isdigit() else 0
    )
    return render(request, "desk/department_options.html", {"departments": held})


class AppointForm(AgencyChoice, PostFields):
    is_main = forms.BooleanField(label="作为主要任职（登录后默认的身份）", required=False)
    field_order = ("agency", "department", "title", "valid_from", "valid_to", "is_main")


class PostForm(PostFields):
    is_main = forms.BooleanField(label="作为主要任职（登录后默认的身份）", required=False)

    def __init__(self, *args, post: Post, **kwargs):
        initial = {name: getattr(post, name) for name in services.POST_FIELDS}
        super().__init__(*args, initial=initial, **kwargs)
        choose_from(self, "department", post.agency.departments.all())


class PostTable(ListTable):
    name = "posts"
    title = "任职"
    sorts = {"agency": ("agency__place", "id"), "valid_from": ("-valid_from", "-id")}

    person = tables.Column("姓名", accessor="account__name", attrs={"td": {"class": "main-cell"}})
    agency = tables.Column("机构", accessor="agency__short_name")
    department = tables.Column("处室", accessor="department__name", default="")
    position = tables.Column("职务", accessor="title")
    roles = tables.Column("角色", empty_values=())
    valid_from = tables.Column("任职起")
    valid_to = tables.Column("任职止", default="")
    state = tables.Column("状态", empty_values=())

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("desk-post", args=[record.pk])}

    def render_person(self, record):
        return link(reverse("desk-post", args=[record.pk]), record.account.name)

    def value_person(self, record):
        return record.account.name

    def render_roles(self, record):
        return role_words({p.role for p in record.powers.all()})

    def value_roles(self, record):
        return role_text({p.role for p in record.powers.all()})

    def render_valid_from(self, value):
        return cn_date(value)

    def render_valid_to(self, value):
        return cn_date(value)

    def render_state(self, record):
        return state(*_state(record))

    def value_state(self, record):
        return _state(record)[0]


def _state(post: Post) -> tuple[str, str]:
    today = timezone.localdate()
    if post.valid_to and post.valid_to < today:
        return "已结束", "grey"
    if post.valid_from > today:
        return "未开始", "yellow"
    return "在任", "green"


class PostFilter(ListFilter):
    words = ("account__name", "account__username", "title", "department__name")
    placeholder = "姓名、职务、处室"
    first = ("q", "agency", "role", "state")

    agency = django_filters.ModelChoiceFilter(
        queryset=lambda request: agencies_of(request.post), label="机构"
    )
    role = django_filters.ChoiceFilter(
        choices=[(key, roles.name(key)) for key in roles.ROLES if key in roles.GRANTABLE],
        field_name="powers__role",
        label="角色",
        distinct=True,
    )
    state = django_filters.ChoiceFilter(
        choices=[("current", "在任"), ("ended", "已结束"), ("ahead", "未开始")],
        method="by_state",
        label="状态",
    )

    class Meta:
        model = Post
        fields: list[str] = []

    def by_state(self, queryset, name, value):
        today = timezone.localdate()
        if value == "ended":
            return queryset.filter(valid_to__lt=today)
        if value == "ahead":
            return queryset.filter(valid_from__gt=today)
        return queryset.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=today), valid_from__lte=today)


def _rows(request):
    return (
        posts_of(request.post)
        .select_related("account", "agency", "department")
        .defer("account__password")
        .prefetch_related("powers")
    )


@access.reader
def index(request):
    return list_page(
        request,
        table=PostTable,
        queryset=_rows(request),
        filters=PostFilter,
        template="desk/posts.html",
        on_export=exported(request, "任职"),
    )


def found(request, key: int) -> Post:
    return get_object_or_404(_rows(request), pk=key)


@access.administrator
def appoint(request, account: int):
    """One more post for somebody of the range, in any agency of the range."""
    person = get_object_or_404(accounts_of(request.post).defer("password"), pk=account)
    form = AppointForm(request.POST or None, reach=request.post)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        try:
            post = services.appoint(Actor.of(request), person, data.pop("agency"), **data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            messages.success(request, "已任职。新任职还没有权限，请安全管理员授权。")
            return redirect("desk-post", key=post.pk)
    return render(request, "desk/post_form.html", {"form": form, "person": person})


@access.administrator
def change(request, key: int):
    post = found(request, key)
    form = PostForm(request.POST or None, post=post)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_post(Actor.of(request), post, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            messages.success(request, "任职已经保存。")
            return redirect("desk-post", key=post.pk)
    return render(request, "desk/post_form.html", {"form": form, "person": post.account, "post": post})


@require_POST
@access.administrator
def end(request, key: int):
    """At once: from the next request on the post gives nothing."""
    post = found(request, key)
    try:
        services.end_post(Actor.of(request), post)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"{post.account.name}的这项任职已经结束，立即生效。")
    return redirect("desk-post", key=post.pk)
