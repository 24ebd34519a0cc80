"""Agencies and departments on the desk."""

import django_filters
import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from jinzhi.foundation.people import organisation
from jinzhi.foundation.people.acting import Actor, Refused, agencies_of, posts_of
from jinzhi.foundation.people.models import Agency, Department
from jinzhi.web.forms import PlainWords
from jinzhi.web.lists import ListFilter, ListTable, list_page

from . import access
from .lists import exported, link


class AgencyTable(ListTable):
    name = "agencies"
    title = "机构"
    sorts = {"key": ("place", "id"), "name": ("name", "id"), "on_duty": ("-on_duty", "-id")}

    key = tables.Column("代号")
    name_ = tables.Column("名称", accessor="name", attrs={"td": {"class": "main-cell"}})
    short_name = tables.Column("简称")
    level = tables.Column("层级")
    document_word = tables.Column("发文代字")
    on_duty = tables.Column("在任", attrs={"td": {"class": "number"}, "th": {"class": "number"}})
    phone = tables.Column("电话", attrs={"th": {"data-off": ""}})
    address = tables.Column("地址", attrs={"th": {"data-off": ""}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("desk-agency", args=[record.key])}

    def render_name_(self, record):
        return link(reverse("desk-agency", args=[record.key]), record.name)

    def value_name_(self, record):
        return record.name


class AgencyFilter(ListFilter):
    words = ("name", "short_name", "key", "document_word")
    placeholder = "名称、简称、代号"
    first = ("q", "level")

    level = django_filters.ChoiceFilter(choices=Agency.Level.choices, label="层级")

    class Meta:
        model = Agency
        fields = ["level"]


class AgencyForm(PlainWords, forms.ModelForm):
    class Meta:
        model = Agency
        fields = organisation.AGENCY_FIELDS
        widgets = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "valid_to": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }


@access.reader
def index(request):
    today = timezone.localdate()
    current = Q(posts__valid_from__lte=today) & (
        Q(posts__valid_to__isnull=True) | Q(posts__valid_to__gte=today)
    )
    rows = agencies_of(request.post).annotate(on_duty=Count("posts", filter=current))
    return list_page(
        request,
        table=AgencyTable,
        queryset=rows,
        filters=AgencyFilter,
        template="desk/agencies.html",
        on_export=exported(request, "机构"),
    )


def _found(request, key: str) -> Agency:
    return get_object_or_404(agencies_of(request.post).select_related("parent"), key=key)


@access.reader
def detail(request, key: str):
    agency = _found(request, key)
    today = timezone.localdate()
    posts = (
        posts_of(request.post)
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gte=today), agency=agency, account__is_active=True)
        .select_related("account", "department")
        .prefetch_related("powers")
        .order_by("department__order", "id")
    )
    context = {
        "agency": agency,
        "departments": agency.departments.annotate(people=Count("post", distinct=True)),
        "children": agency.children.order_by("place"),
        "posts": posts,
        "may_change": "administrator" in request.roles,
    }
    return render(request, "desk/agency.html", context)


@access.administrator
def change(request, key: str):
    agency = _found(request, key)
    form = AgencyForm(request.POST or None, instance=Agency.objects.get(pk=agency.pk))
    if request.method == "POST" and form.is_valid():
        try:
            organisation.change_agency(Actor.of(request), agency, **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            messages.success(request, f"{agency.name}的资料已经保存。")
            return redirect("desk-agency", key=agency.key)
    return render(request, "desk/agency_form.html", {"form": form, "agency": agency})


@require_POST
@access.administrator
def add_department(request, key: str):
    agency = _found(request, key)
    return _department(
        request, agency, lambda by: organisation.add_department(by, agency, request.POST.get("name", "")[:40])
    )


@require_POST
@access.administrator
def change_department(request, key: str, department: int):
    agency = _found(request, key)
    held = get_object_or_404(Department, pk=department, agency=agency)
    if request.POST.get("remove"):
        return _department(request, agency, lambda by: organisation.remove_department(by, held))
    name = request.POST.get("name", "")[:40]
    return _department(request, agency, lambda by: organisation.rename_department(by, held, name))


def _department(request, agency: Agency, act):
    try:
        act(Actor.of(request))
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "处室已经更新。")
    return redirect("desk-agency", key=agency.key)
