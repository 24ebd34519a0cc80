"""A list page from a table class, a filter class and a queryset: chips, count, sort, keyset pages, downloads."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import django_filters
import django_tables2 as tables
from django import forms
from django.db.models import Q, QuerySet
from django.shortcuts import render

from . import export, pager
from .templatetags.jinzhi import cn_date

CHUNK = 1000
NOTHING: tuple = (None, "", [])


class ListTable(tables.Table):
    """Base of all tables.

    `sorts`: column -> fields to order by (unique last, none nullable); the first is the usual order.
    `Meta.row_attrs = {"data-href": …}` makes a row open; a column with `attrs={"th": {"data-off": ""}}`
    starts hidden; `attrs={"td": {"class": "main-cell"}}` is the title of the card on a phone.
    `plain(rows)`: the cells of a download, where reading them from the table would take minutes (a million rows).
    """

    name = ""  # remembers columns; also the name of the export
    title = ""
    sorts: dict[str, tuple[str, ...]] = {}
    plain: Callable[[QuerySet], Iterator[Iterable]] | None = None

    class Meta:
        orderable = False
        template_name = "web/table.html"
        attrs = {"class": "list stack"}

    def __init__(self, *args, sort: str = "", **kwargs):
        self.sort = sort
        super().__init__(*args, orderable=False, **kwargs)

    @property
    def sorted_by(self) -> str:
        return self.sort.lstrip("-")

    @property
    def descending(self) -> bool:
        """Whether the first field runs downwards: a column may run so by nature (newest first)."""
        natural = self.sorts.get(self.sorted_by, ("",))[0].startswith("-")
        return natural != self.sort.startswith("-")


class ListFilter(django_filters.FilterSet):
    """Base of all filters: fields named in `first` stand in the line, others fold out under 更多条件."""

    first: tuple[str, ...] = ("q",)
    words: tuple[str, ...] = ()  # fields the search box looks into
    placeholder = "输入关键字"

    q = django_filters.CharFilter(method="search", label="关键字")

    def search(self, queryset, name, value):
        condition = Q()
        for field in self.words:
            condition |= Q(**{f"{field}__icontains": value.strip()})
        return queryset.filter(condition)

    @property
    def form(self):
        form = super().form
        if not getattr(form, "dressed", False):
            form.dressed = True
            for name, field in form.fields.items():
                _dress(field)
                field.widget.attrs.setdefault("aria-label", field.label or name)
            form.fields["q"].widget.attrs |= {
                "class": "form-control filter-words",
                "placeholder": self.placeholder,
                "type": "search",
                "maxlength": 60,
            }
        return form

    @property
    def first_fields(self):
        return [self.form[name] for name in self.first if name in self.form.fields]

    @property
    def more_fields(self):
        return [field for field in self.form if field.name not in self.first]

    @property
    def more_chosen(self) -> bool:
        if not self.is_valid():
            return True
        chosen = self.form.cleaned_data
        return any(chosen.get(field.name) not in NOTHING for field in self.more_fields)


class _Tick(forms.BooleanField):
    widget = forms.CheckboxInput

    def clean(self, value):
        return super().clean(value) or None


class CheckFilter(django_filters.Filter):
    """A box to tick; not ticked means no condition."""

    field_class = _Tick


class DaysFilter(django_filters.DateFromToRangeFilter):
    """From one day to another, both included."""

    def __init__(self, *args, **kwargs):
        widget = django_filters.widgets.RangeWidget(attrs={"type": "date", "class": "form-control"})
        super().__init__(*args, widget=widget, **kwargs)


def _dress(field: forms.Field) -> None:
    widget = field.widget
    if isinstance(widget, forms.CheckboxInput):
        widget.attrs["class"] = "form-check-input m-0"
    elif isinstance(widget, forms.Select):
        widget.attrs["class"] = "form-select"
        anything = ("", f"{field.label}：不限")
        if isinstance(field, forms.ModelChoiceField):
            field.empty_label = anything[1]
        elif isinstance(field, forms.ChoiceField):
            offered: Any = field.choices
            widget.choices = [anything, *(choice for choice in offered if choice[0] != "")]
    elif not isinstance(widget, forms.MultiWidget):
        widget.attrs["class"] = "form-control"
    if isinstance(field, forms.DateField):
        widget.input_type = "date"


@dataclass
class Chip:
    """A chosen filter in words and the address without it."""

    label: str
    value: str
    without: str


def chips(filterset, request) -> list[Chip]:
    chosen = []
    for field in filterset.form:
        value = filterset.form.cleaned_data.get(field.name) if filterset.is_valid() else None
        if value in NOTHING:
            continue
        rest = request.GET.copy()
        for key in [k for k in rest if k == field.name or k.startswith(f"{field.name}_")] + [
            "after",
            "before",
        ]:
            rest.pop(key, None)
        chosen.append(Chip(field.label or field.name, _in_words(field.field, value), f"?{rest.urlencode()}"))
    return chosen


def _in_words(field: forms.Field, value) -> str:
    if isinstance(value, slice):
        return f"{cn_date(value.start) or '最早'} 至 {cn_date(value.stop) or '现在'}"
    if value is True:
        return "是"
    labels = dict(getattr(field, "choices", ())) if isinstance(field, forms.ChoiceField) else {}
    return str(labels.get(value, labels.get(str(value), value)))


def _count(rows, page, count_up_to: int) -> int:
    if count_up_to and not (page.after or page.before):
        return len(page.rows)
    return pager.about(rows, count_up_to)


def list_page(
    request,
    *,
    table: type[ListTable],
    queryset: QuerySet,
    filters: type[ListFilter] | None = None,
    template: str = "web/list.html",
    context: dict | None = None,
    size: int = pager.SIZE,
    count_up_to: int = 0,
    on_export=None,
):
    """Answers a list page, or a download for `?export=csv|xlsx|parquet` (`on_export(rows)` is told before).

    `count_up_to`: of a very long list; beyond it the number of rows is estimated, and a single page counts itself.
    """
    filterset = filters(request.GET, queryset=queryset, request=request) if filters else None
    rows = filterset.qs if filterset is not None else queryset
    kind = request.GET.get("export", "")
    if kind in export.FORMATS:
        if on_export:
            on_export(rows)
        return export.download(kind, table.title, _header(table), _cells(table, rows))
    sort, order = _order(table, request.GET.get("sort", ""))
    found = pager.page(
        rows, order, after=request.GET.get("after", ""), before=request.GET.get("before", ""), size=size
    )
    shown = table(found.rows, sort=sort)
    shown.request = request  # given to the constructor it would cut the page to 25 rows
    words = {
        "table": shown,
        "filter": filterset,
        "chips": chips(filterset, request) if filterset is not None else [],
        "page": found,
        "count": _count(rows, found, count_up_to),
    }
    return render(request, template, words | (context or {}))


def _order(table: type[ListTable], wanted: str) -> tuple[str, tuple[str, ...]]:
    """The sort asked for, if the table offers it, and the fields to order by."""
    column = wanted.lstrip("-")
    if column not in table.sorts:
        wanted = column = next(iter(table.sorts))
    order = table.sorts[column]
    if wanted.startswith("-"):
        order = tuple(f[1:] if f.startswith("-") else f"-{f}" for f in order)
    return wanted, order


def _header(table: type[ListTable]) -> list[str]:
    return [str(column.header) for column in table([]).columns if not column.column.exclude_from_export]


def _cells(table: type[ListTable], rows: QuerySet) -> Iterator[Iterable]:
    ordered = rows.order_by(*next(iter(table.sorts.values())))
    if table.plain is not None:
        yield from table.plain(ordered)
        return
    chunk = []
    for row in ordered.iterator(chunk_size=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield from _values(table, chunk)
            chunk = []
    yield from _values(table, chunk)


def _values(table: type[ListTable], chunk: list) -> Iterator[list]:
    shown = table(chunk)
    names = [c.name for c in shown.columns if not c.column.exclude_from_export]
    for row in shown.rows:
        yield [row.get_cell_value(name) for name in names]
