"""Powers on the desk: the list of all, and the matrix of one post by procedure and step."""

import django_filters
import django_tables2 as tables
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from jinzhi.foundation.people import roles, services
from jinzhi.foundation.people.acting import Actor, Refused, agencies_of
from jinzhi.foundation.people.models import Post, Power
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.web.lists import ListFilter, ListTable, list_page

from . import access
from .lists import exported, link
from .posts import found


class PowerTable(ListTable):
    name = "powers"
    title = "权限"
    sorts = {"agency": ("post__agency__place", "id"), "role": ("role", "id")}

    person = tables.Column("姓名", accessor="post__account__name", attrs={"td": {"class": "main-cell"}})
    agency = tables.Column("机构", accessor="post__agency__short_name")
    position = tables.Column("职务", accessor="post__title")
    role = tables.Column("角色")
    procedure = tables.Column("事项流程", empty_values=())
    step = tables.Column("环节", empty_values=())

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("desk-post", args=[record.post_id])}

    def render_person(self, record):
        return link(reverse("desk-post", args=[record.post_id]), record.post.account.name)

    def value_person(self, record):
        return record.post.account.name

    def render_role(self, value):
        return roles.name(value)

    def render_procedure(self, record):
        return _names()[0].get(record.procedure, record.procedure) or "全部事项"

    def render_step(self, record):
        return _names()[1].get((record.procedure, record.step), record.step) or "该角色的全部环节"


def _names() -> tuple[dict, dict]:
    choices = roles.steps_provider()
    return {c.procedure: c.procedure_name for c in choices}, {
        (c.procedure, c.step): c.step_name for c in choices
    }


class PowerFilter(ListFilter):
    words = ("post__account__name", "post__account__username", "post__title")
    placeholder = "姓名、职务"
    first = ("q", "agency", "role")

    agency = django_filters.ModelChoiceFilter(
        queryset=lambda request: agencies_of(request.post), field_name="post__agency", label="机构"
    )
    role = django_filters.ChoiceFilter(
        choices=[(key, roles.name(key)) for key in roles.ROLES if key in roles.GRANTABLE], label="角色"
    )

    class Meta:
        model = Power
        fields: list[str] = []


def _rows(request):
    return (
        Power.objects.filter(post__agency__place__range=jurisdiction(request.post.agency.place))
        .select_related("post__account", "post__agency")
        .defer("post__account__password")
    )


@access.reader
def index(request):
    return list_page(
        request,
        table=PowerTable,
        queryset=_rows(request),
        filters=PowerFilter,
        template="desk/powers.html",
        on_export=exported(request, "权限"),
    )


@access.reader
def post(request, key: int):
    """One post with its powers; a security administrator grants and revokes here."""
    held = found(request, key)
    context = {
        "post": held,
        "rows": matrix(held),
        "procedures": _procedures(held),
        "may_grant": "security_administrator" in request.roles and held.account_id != request.user.pk,
        "may_change": "administrator" in request.roles and held.account_id != request.user.pk,
        "is_self": held.account_id == request.user.pk,
    }
    return render(request, "desk/post.html", context)


def matrix(held: Post) -> list[dict]:
    """Every grantable role with the general power held for it, and why it may not be granted."""
    powers = list(held.powers.all())
    present = {power.role for power in powers}
    rows = []
    for role in roles.ROLES:
        if role not in roles.GRANTABLE:
            continue
        general = next((p for p in powers if p.role == role and not p.procedure), None)
        rows.append(
            {
                "role": role,
                "name": roles.name(role),
                "tasks": roles.TASKS[role],
                "power": general,
                "clash": "" if general else roles.clash(present | {role}),
                "administration": role in roles.ADMINISTRATION,
            }
        )
    return rows


def _procedures(held: Post) -> list[dict]:
    """Procedures in force with their steps, each with the power that covers it, the narrowest first."""
    powers = {(p.role, p.procedure, p.step): p for p in held.powers.all()}
    present = {role for role, _, _ in powers}
    found_ones: dict[str, dict] = {}
    for choice in roles.steps_provider():
        procedure = found_ones.setdefault(choice.procedure, {"name": choice.procedure_name, "steps": []})
        own = powers.get((choice.role, choice.procedure, choice.step))
        wider = powers.get((choice.role, choice.procedure, "")) or powers.get((choice.role, "", ""))
        procedure["steps"].append(
            {
                "choice": choice,
                "role_name": roles.name(choice.role),
                "power": own,
                "wider": wider,
                "clash": roles.clash(present | {choice.role}),
            }
        )
    return list(found_ones.values())


@require_POST
@access.security
def grant(request, key: int):
    held = found(request, key)
    wanted = {name: request.POST.get(name, "")[:60] for name in ("role", "procedure", "step")}
    try:
        power = services.grant(Actor.of(request), held, **wanted)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(
            request, f"已授予{held.account.name}：{services.describe(power)}。下一次操作起生效。"
        )
    return redirect("desk-post", key=held.pk)


@require_POST
@access.security
def revoke(request, key: int, power: int):
    held = found(request, key)
    wanted = get_object_or_404(
        Power.objects.select_related("post__account", "post__agency"), pk=power, post=held
    )
    try:
        services.revoke(Actor.of(request), wanted)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"已撤销{held.account.name}的权限，下一次操作起生效。")
    return redirect("desk-post", key=held.pk)
