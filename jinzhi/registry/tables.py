"""Lists of enterprises and certificates on the workbench."""

from collections.abc import Iterator
from datetime import timedelta

import django_filters
import django_tables2 as tables
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.foundation.places.services import children, name_path
from jinzhi.registry import kinds, written
from jinzhi.registry.models import Certificate, Enterprise, Identifier
from jinzhi.web.lists import ListFilter, ListTable

EXPORTED = 5000  # rows of a download read at once
TONES = {"valid": "green", "future": "yellow", "suspended": "yellow", "active": "green"}


def _pill(word: str, key: str):
    return format_html('<span class="state state-{}">{}</span>', TONES.get(key, "red"), word)


def _named(words: str) -> RawSQL:
    """Rows of registry_enterprise with these words in the name, found by pairs of characters."""
    return RawSQL(
        "registry_enterprise.name_grams @@ registry_gram_query(%s)"
        " AND registry_enterprise.name_plain LIKE '%%' || registry_plain(%s) || '%%'",
        [words, words],
        output_field=BooleanField(),
    )


class Places:
    """Names of places, looked up once for each table."""

    def __init__(self):
        self.names: dict[int, str] = {}

    def __call__(self, place: int) -> str:
        if place not in self.names:
            self.names[place] = name_path(place).split(" / ", 1)[-1]
        return self.names[place]


def _plain_enterprises(rows: QuerySet) -> Iterator[tuple]:
    """The columns of EnterpriseTable read straight from the rows: 8 µs of Python for each."""
    places = Places()
    kind_words, status_words = dict(Enterprise.Kind.choices), dict(Enterprise.Status.choices)
    read = rows.values_list(
        "name", "uscc", "org_code", "kind", "place", "legal_representative", "status", "founded_on", "address",
        "source",
    )  # fmt: skip
    for name, uscc, org, kind, place, person, status, founded, address, source in read.iterator(
        chunk_size=EXPORTED
    ):
        state = status_words.get(status, status)
        yield (
            name, uscc or org, kind_words.get(kind, kind), places(place), person, state, founded, address, source,
        )  # fmt: skip


class EnterpriseTable(ListTable):
    name = "enterprises"
    title = "企业"
    sorts = {"added": ("-id",)}
    plain = staticmethod(_plain_enterprises)

    name_ = tables.Column("名称", accessor="name", attrs={"td": {"class": "main-cell"}})
    code = tables.Column("代码", accessor="code", attrs={"td": {"class": "nowrap"}})
    kind = tables.Column("类型")
    place = tables.Column("地区")
    legal_representative = tables.Column("法定代表人")
    status = tables.Column("状态")
    founded_on = tables.DateColumn("Y-m-d", verbose_name="成立日期", attrs={"th": {"data-off": ""}})
    address = tables.Column("住所", attrs={"th": {"data-off": ""}})
    source = tables.Column("来源", attrs={"th": {"data-off": ""}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("registry-enterprise", args=[record.pk])}

    def __init__(self, *args, **kwargs):
        self.places = Places()
        super().__init__(*args, **kwargs)

    def render_name_(self, record):
        url = reverse("registry-enterprise", args=[record.pk])
        return format_html('<a href="{}">{}</a>', url, record.name)

    def value_name_(self, record):
        return record.name

    def render_place(self, value):
        return self.places(value)

    def render_status(self, record):
        return _pill(record.get_status_display(), record.status)

    def value_status(self, record):
        return record.get_status_display()


class CertificateTable(ListTable):
    name = "certificates"
    title = "证书"
    sorts = {"added": ("-id",)}

    number = tables.Column("编号", attrs={"td": {"class": "main-cell nowrap"}})
    kind = tables.Column("种类")
    holder_name = tables.Column("持证人")
    place = tables.Column("地区")
    status = tables.Column("状态")
    valid_from = tables.DateColumn("Y-m-d", verbose_name="有效期起", attrs={"th": {"data-off": ""}})
    valid_to = tables.DateColumn("Y-m-d", verbose_name="有效期至", attrs={"td": {"class": "nowrap"}})
    agency_name = tables.Column("发证机关", attrs={"th": {"data-off": ""}})

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("registry-certificate", args=[record.number])}

    def __init__(self, *args, **kwargs):
        self.places = Places()
        super().__init__(*args, **kwargs)

    def render_number(self, record):
        url = reverse("registry-certificate", args=[record.number])
        return format_html('<a href="{}">{}</a>', url, record.number)

    def value_number(self, record):
        return record.number

    def render_kind(self, value):
        return kinds.kind_name(value)

    def render_place(self, value):
        return self.places(value)

    def render_holder_name(self, record):
        url = reverse("registry-enterprise", args=[record.holder_id])
        return format_html('<a href="{}" data-drawer>{}</a>', url, record.holder_name)

    def value_holder_name(self, record):
        return record.holder_name

    def render_status(self, record):
        state = record.state()
        return _pill(dict(STATES).get(state, state), state)

    def value_status(self, record):
        return dict(STATES).get(record.state(), record.state())


STATES = [*Certificate.Status.choices, ("future", "尚未生效")]


def _by_code(words: str) -> list:
    """Keys of the enterprises with this code or number; each question has an index of its own."""
    code = written.normal(words)
    if len(code) < 5 or not code.isascii():
        return []
    return [
        *Enterprise.objects.filter(uscc=code).values_list("pk", flat=True),
        *Enterprise.objects.filter(org_code=code).values_list("pk", flat=True),
        *Identifier.objects.filter(value=code).values_list("enterprise_id", flat=True),
    ]


def _below(request) -> list[tuple[str, str]]:
    """Divisions directly below the place of the post acted in."""
    post = getattr(request, "post", None)
    return [(d.code, d.name) for d in children(post.agency.place)] if post else []


class PlaceFilter(ListFilter):
    """Adds the choice of a division below one's own."""

    place = django_filters.ChoiceFilter(method="in_place", label="地区", choices=())

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.filters["place"].extra["choices"] = _below(self.request)
        if not self.filters["place"].extra["choices"]:  # a county has none below
            del self.filters["place"]

    def in_place(self, queryset, name, value):
        return queryset.filter(place__range=jurisdiction(int(value) * 1_000_000))


class EnterpriseFilter(PlaceFilter):
    first = ("q", "status", "place")
    placeholder = "名称中的两个字、任一代码"

    status = django_filters.ChoiceFilter(choices=Enterprise.Status.choices, label="状态")
    kind = django_filters.ChoiceFilter(choices=Enterprise.Kind.choices, label="类型")

    class Meta:
        model = Enterprise
        fields = ["status", "kind"]

    def search(self, queryset, name, value):
        return queryset.filter(pk__in=found) if (found := _by_code(value)) else queryset.filter(_named(value))


class CertificateFilter(PlaceFilter):
    first = ("q", "state", "place")
    placeholder = "证书编号、持证人名称"

    state = django_filters.ChoiceFilter(choices=STATES, label="状态", method="in_state")
    kind = django_filters.ChoiceFilter(label="种类", choices=())
    ends_within = django_filters.ChoiceFilter(
        label="到期",
        method="ends",
        choices=[("30", "30 日内到期"), ("90", "90 日内到期"), ("180", "180 日内到期")],
    )

    class Meta:
        model = Certificate
        fields = ["kind"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.filters["kind"].extra["choices"] = [(k.key, k.name) for k in kinds.kinds().values()]

    def search(self, queryset, name, value):
        exact = queryset.filter(
            RawSQL(
                "registry_certificate.number_key = registry_number_key(%s)",
                [value],
                output_field=BooleanField(),
            )
        )
        if exact.exists():
            return exact
        return queryset.filter(holder__in=Enterprise.objects.filter(_named(value)))

    def in_state(self, queryset, name, value):
        today = timezone.localdate()
        if value == "expired":
            return queryset.exclude(status__in=Certificate.ENDED).filter(valid_to__lt=today)
        if value == "future":
            return queryset.exclude(status__in=Certificate.ENDED).filter(valid_from__gt=today)
        found = queryset.filter(status=value)
        if value in Certificate.ENDED:
            return found
        return found.exclude(valid_to__lt=today).exclude(valid_from__gt=today)

    def ends(self, queryset, name, value):
        today = timezone.localdate()
        return queryset.filter(
            status=Certificate.Status.VALID, valid_to__range=(today, today + timedelta(days=int(value)))
        )
