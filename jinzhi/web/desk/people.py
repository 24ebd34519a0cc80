"""Staff accounts on the desk: list, detail, opening and changing an account, resets."""

from datetime import timedelta

import django_filters
import django_tables2 as tables
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import RegexValidator
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.db.models.functions import Collate
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from jinzhi.foundation import rules
from jinzhi.foundation.people import roles, services
from jinzhi.foundation.people.acting import Actor, Refused, accounts_of, agencies_of
from jinzhi.foundation.people.models import Account, Delegation, Post, SignIn
from jinzhi.web.forms import PlainWords
from jinzhi.web.lists import CheckFilter, ListFilter, ListTable, list_page
from jinzhi.web.templatetags.jinzhi import cn_time, state

from . import access
from .lists import exported, link, role_text, role_words
from .posts import AgencyChoice, PostFields

PINYIN = "zh-Hans-CN-x-icu"


class PeopleTable(ListTable):
    name = "people"
    title = "人员"
    sorts = {"person": ("pinyin", "id"), "username": ("username", "id"), "opened": ("-date_joined", "-id")}

    person = tables.Column("姓名", accessor="name", attrs={"td": {"class": "main-cell"}})
    username = tables.Column("用户名")
    staff_number = tables.Column("工号")
    posts = tables.Column("现任职", empty_values=())
    roles = tables.Column("角色", empty_values=())
    phone = tables.Column("手机", attrs={"th": {"data-off": ""}})
    last_login = tables.Column("最近登录", empty_values=())
    second_factor = tables.Column("动态口令", empty_values=())
    opened = tables.Column("开通", accessor="date_joined", attrs={"th": {"data-off": ""}})
    state = tables.Column("状态", empty_values=())

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("desk-person", args=[record.pk])}

    def render_person(self, record):
        return link(reverse("desk-person", args=[record.pk]), record.name)

    def value_person(self, record):
        return record.name

    def render_posts(self, record):
        return "；".join(f"{p.agency.short_name} {p.title}" for p in record.current_posts)

    def render_roles(self, record):
        return role_words(_held(record))

    def value_roles(self, record):
        return role_text(_held(record))

    def render_last_login(self, value):
        return cn_time(value) if value else "从未登录"

    def render_opened(self, value):
        return cn_time(value)

    def render_second_factor(self, record):
        return "已启用" if record.has_totp else "未启用"

    def render_state(self, record):
        return state("启用", "green") if record.is_active else state("停用")

    def value_state(self, record):
        return "启用" if record.is_active else "停用"


def _held(account) -> set[str]:
    return {power.role for post in account.current_posts for power in post.powers.all()}


class PeopleFilter(ListFilter):
    words = ("name", "username", "staff_number", "phone")
    placeholder = "姓名、用户名、工号、手机"
    first = ("q", "agency", "role", "active")

    agency = django_filters.ModelChoiceFilter(
        queryset=lambda request: agencies_of(request.post),
        field_name="posts__agency",
        label="机构",
        distinct=True,
    )
    role = django_filters.ChoiceFilter(
        choices=[(key, roles.name(key)) for key in roles.ROLES if key in roles.GRANTABLE],
        field_name="posts__powers__role",
        label="角色",
        distinct=True,
    )
    active = django_filters.ChoiceFilter(
        choices=[("true", "启用"), ("false", "停用")], method="by_state", label="状态"
    )
    dormant = CheckFilter(method="by_dormancy", label="长期未登录")
    no_post = CheckFilter(method="by_post", label="没有现任职")

    class Meta:
        model = Account
        fields: list[str] = []

    def by_state(self, queryset, name, value):
        return queryset.filter(is_active=value == "true")

    def by_dormancy(self, queryset, name, value):
        days = rules.value("people.dormant_after", timezone.localdate()).value
        since = timezone.now() - timedelta(days=days)
        never = Q(last_login__isnull=True, date_joined__lt=since)
        return queryset.filter(Q(last_login__lt=since) | never, is_active=True)

    def by_post(self, queryset, name, value):
        return queryset.exclude(pk__in=_current_posts().values("account"))


class AccountForm(PlainWords, forms.ModelForm):
    class Meta:
        model = Account
        fields = services.ACCOUNT_FIELDS
        labels = {"email": "电子邮箱"}


class NewAccountForm(AgencyChoice, PostFields, AccountForm):
    username = forms.CharField(
        label="用户名",
        max_length=30,
        min_length=3,
        help_text="小写字母开头，可以有数字、点和下划线，开通后不能改。",
        validators=[
            RegexValidator(r"^[a-z][a-z0-9._]+$", "用户名以小写字母开头，只能有小写字母、数字、点和下划线。")
        ],
    )
    field_order = ("name", "username", "staff_number", "phone", "email", "agency", "department", "title")


def _current_posts():
    today = timezone.localdate()
    return Post.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=today), valid_from__lte=today)


def _rows(request):
    """Accounts of the range with what the list shows; never with the password."""
    current = _current_posts().select_related("agency").prefetch_related("powers").order_by("-is_main", "id")
    totp = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    return (
        accounts_of(request.post)
        .defer("password")
        .annotate(pinyin=Collate(F("name"), PINYIN), has_totp=Exists(totp))
        .prefetch_related(Prefetch("posts", current, to_attr="current_posts"))
    )


@access.reader
def index(request):
    return list_page(
        request,
        table=PeopleTable,
        queryset=_rows(request),
        filters=PeopleFilter,
        template="desk/people.html",
        on_export=exported(request, "人员"),
    )


def _found(request, key: int) -> Account:
    return get_object_or_404(_rows(request), pk=key)


@access.reader
def detail(request, key: int):
    person = _found(request, key)
    posts = (
        person.posts.select_related("agency", "department")
        .prefetch_related("powers")
        .order_by("-valid_from", "-id")
    )
    context = {
        "person": person,
        "posts": posts,
        "today": timezone.localdate(),
        "signins": SignIn.objects.filter(account=person).order_by("-id")[:10],
        "delegations": Delegation.objects.filter(Q(from_post__account=person) | Q(to_post__account=person))
        .select_related("from_post__account", "to_post__account")
        .order_by("-starts")[:10],
        "locked": _is_locked(person),
        "is_self": person.pk == request.user.pk,
    }
    return render(request, "desk/person.html", context)


def _is_locked(person: Account) -> bool:
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    return AccessAttempt.objects.filter(
        username=person.username.lower(),
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gte=since,
    ).exists()


@never_cache
@access.administrator
def new(request):
    form = NewAccountForm(request.POST or None, reach=request.post)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        post = {name: data.pop(name) for name in services.POST_FIELDS if name in data}
        try:
            person, password = services.open_account(Actor.of(request), post=post | {"is_main": True}, **data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            return render(
                request, "desk/password.html", {"person": person, "password": password, "is_new": True}
            )
    return render(request, "desk/person_new.html", {"form": form})


@access.administrator
def change(request, key: int):
    person = _found(request, key)
    form = AccountForm(request.POST or None, instance=Account.objects.get(pk=person.pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_account(Actor.of(request), person, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            messages.success(request, f"{person.name}的资料已经保存。")
            return redirect("desk-person", key=person.pk)
    return render(request, "desk/person_form.html", {"form": form, "person": person})


@require_POST
@access.administrator
def set_active(request, key: int):
    person = _found(request, key)
    active = request.POST.get("active") == "true"
    reason = request.POST.get("reason", "").strip()[:500]
    words = f"{person.name}的账号已经{'启用' if active else '停用，现有登录随即失效'}。"
    return _act(request, person, lambda by: services.set_active(by, person, active, reason), words)


@never_cache
@require_POST
@access.security
def reset_password(request, key: int):
    person = _found(request, key)
    try:
        password = services.reset_password(Actor.of(request), person)
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect("desk-person", key=person.pk)
    return render(request, "desk/password.html", {"person": person, "password": password})


@require_POST
@access.security
def reset_second_factor(request, key: int):
    person = _found(request, key)
    words = f"{person.name}下次登录时需要重新设置动态口令。"
    return _act(request, person, lambda by: services.reset_second_factor(by, person), words)


@require_POST
@access.security
def unlock(request, key: int):
    person = _found(request, key)
    return _act(request, person, lambda by: services.unlock(by, person), f"{person.name}的锁定已经解除。")


def _act(request, person: Account, act, words: str):
    try:
        act(Actor.of(request))
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, words)
    return redirect("desk-person", key=person.pk)
