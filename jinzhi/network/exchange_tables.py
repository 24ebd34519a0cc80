"""The lists of the exchange: what arrived, what was sent, what was refused on either side, comparisons."""

from collections.abc import Callable, Iterator
from datetime import datetime

import django_filters
import django_tables2 as tables
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from jinzhi.foundation.exchange import declared, standing
from jinzhi.foundation.exchange import node as nodes
from jinzhi.network import models
from jinzhi.network.models import Node
from jinzhi.web.lists import DaysFilter, ListFilter, ListTable
from jinzhi.web.templatetags.jinzhi import cn_time, lamp, state

OUTCOMES = {
    "applied": ("已入库", "green"), "refused": ("拒收", "red"), "sent": ("已送达", "blue"), "waiting": ("待发", "yellow"),
}  # fmt: skip
OPS = {"u": "新增或变更", "d": "删除", "t": "移交"}
CODES = {
    "E01": "信封或批次不完整", "E02": "签名不符", "E03": "结构不符", "E04": "代码值不存在", "E05": "校验码不符",
    "E06": "重复", "E07": "引用的记录未到", "E08": "版本次序", "E09": "无权发送", "E10": "超过大小",
}  # fmt: skip
_CODE_CHOICES = [(k, f"{k} {v}") for k, v in CODES.items()]
STATES = {
    "open": ("待处理", "yellow"), "applied": ("已应用", "green"), "discarded": ("已作废", "grey"),
    "resent": ("已重发", "blue"), "repaired": ("已修复", "green"), "replaced": ("再次被拒", "grey"),
}  # fmt: skip
RESULTS = {
    "agreed": ("相符", "green"), "differs": ("有差异", "red"), "running": ("进行中", "blue"), "failed": ("未完成", "yellow"),
}  # fmt: skip


def dataset_title(key: str) -> str:
    found = declared.all().get(key)
    return found.title if found else key


def peer_titles() -> dict[str, str]:
    """The names of all nodes by code, in one query; a partner keeps its code."""
    return dict(Node.objects.values_list("code", "name")) | {"hub": "省中心"}


def peer_title(code: str) -> str:
    return peer_titles().get(code, code)


def _peers(side: str) -> Callable[[], list[tuple[str, str]]]:
    """Who sends to this node ("in") or is sent to ("out"): nodes by name, partners by code."""

    def choices() -> list[tuple[str, str]]:
        titles = peer_titles()
        return sorted(
            ((code, titles.get(code, code)) for code in standing.peers(side)),
            key=lambda one: (one[0] not in titles, one),
        )

    return choices


def datasets() -> list[tuple[str, str]]:
    return [(key, one.title) for key, one in declared.all().items()]


def to_the_second(value: datetime) -> str:
    """Of a log with many lines a minute."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")


class _Log(ListTable):
    dataset = tables.Column("数据集", attrs={"td": {"class": "main-cell"}})
    op = tables.Column("操作")
    record = tables.Column("记录", default="", attrs={"td": {"class": "hash"}})
    version = tables.Column("版本", default="", attrs={"td": {"class": "number"}})
    outcome = tables.Column("结果")
    code = tables.Column("代码", default="")
    seq = tables.Column("序号", attrs={"th": {"data-off": ""}, "td": {"class": "number"}})

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.peers = peer_titles()

    def render_dataset(self, value):
        return dataset_title(value)

    def render_peer(self, value):
        return self.peers.get(value, value)

    def render_op(self, value):
        return OPS.get(value, value)

    def render_record(self, record):
        if record.record is None:
            return ""
        way = reverse("exchange-way", args=[record.record])
        return format_html('<a href="{}" title="{}">…{}</a>', way, record.record, str(record.record)[-8:])

    def value_record(self, record):
        return str(record.record or "")

    def render_outcome(self, value):
        return state(*OUTCOMES.get(value, (value, "grey")))

    def value_outcome(self, value):
        return OUTCOMES.get(value, (value,))[0]

    def render_code(self, value):
        return f"{value} {CODES.get(value, '')}"


def _plain(rows: QuerySet, columns: tuple[str, ...]) -> Iterator[list]:
    """The cells of a download, as the page words them: a log of ten million lines is read once, a few thousand at a time."""
    words = {
        "peer": peer_titles(), "dataset": dict(datasets()), "op": OPS,
        "outcome": {key: word for key, (word, _) in OUTCOMES.items()}, "code": dict(_CODE_CHOICES),
    }  # fmt: skip
    said = [words.get(column) for column in columns]
    for values in rows.values_list(*columns).iterator(chunk_size=5000):
        yield [
            to_the_second(values[0]),
            *(
                value if known is None else known.get(value, value)
                for value, known in zip(values[1:], said[1:], strict=True)
            ),
        ]


class ReceivedTable(_Log):
    name = "exchange-received"
    title = "收到的消息"
    sorts = {"received_at": ("-received_at", "-id")}
    received_at = tables.Column("收到")
    peer = tables.Column("来自")
    bytes = tables.Column("字节", attrs={"th": {"data-off": ""}, "td": {"class": "number"}})

    class Meta(ListTable.Meta):
        sequence = (
            "received_at",
            "peer",
            "dataset",
            "op",
            "record",
            "version",
            "outcome",
            "code",
            "seq",
            "bytes",
        )

    @classmethod
    def plain(cls, rows):
        return _plain(rows, cls.Meta.sequence)

    def render_received_at(self, value):
        return to_the_second(value)


class SentTable(_Log):
    name = "exchange-sent"
    title = "发出的消息"
    sorts = {"made_at": ("-made_at", "-id", "channel")}
    made_at = tables.Column("发出")
    peer = tables.Column("发往")
    batch = tables.Column("批次", attrs={"th": {"data-off": ""}, "td": {"class": "number"}})

    class Meta(ListTable.Meta):
        sequence = (
            "made_at",
            "peer",
            "dataset",
            "op",
            "record",
            "version",
            "outcome",
            "code",
            "seq",
            "batch",
        )

    @classmethod
    def plain(cls, rows):
        return _plain(rows, cls.Meta.sequence)

    def render_made_at(self, value):
        return to_the_second(value)


class _Filter(ListFilter):
    placeholder = "记录标识"
    first: tuple[str, ...] = ("q", "dataset", "peer")

    dataset = django_filters.ChoiceFilter(choices=datasets, label="数据集")
    peer = django_filters.ChoiceFilter(choices=_peers("in"), label="对方")
    code = django_filters.ChoiceFilter(choices=_CODE_CHOICES, label="代码")

    def search(self, queryset, name, value):
        """By the whole key of a record: anything else finds nothing."""
        from uuid import UUID

        try:
            return queryset.filter(record=UUID(value.strip()))
        except ValueError:
            return queryset.none()


class ReceivedFilter(_Filter):
    first = ("q", "dataset", "peer", "outcome")
    outcome = django_filters.ChoiceFilter(
        choices=[("applied", "已入库"), ("refused", "拒收")], label="结果", method="by_outcome"
    )
    received_at = DaysFilter(label="日期")

    def by_outcome(self, queryset, name, value):
        """What was refused has a code, and an index of its own."""
        found = queryset.filter(outcome=value)
        return found.exclude(code="") if value == "refused" else found

    class Meta:
        model = models.Received
        fields: list[str] = []


class SentFilter(_Filter):
    first = ("q", "dataset", "peer", "outcome")
    peer = django_filters.ChoiceFilter(choices=_peers("out"), label="对方", method="by_peer")
    code = django_filters.ChoiceFilter(choices=_CODE_CHOICES, label="代码", method="by_code")
    outcome = django_filters.ChoiceFilter(
        choices=[(k, v[0] if k != "applied" else "对方已入库") for k, v in OUTCOMES.items()], label="状态", method="by_outcome"
    )  # fmt: skip
    made_at = DaysFilter(label="日期")

    def by_peer(self, queryset, name, value):
        """By its channels: how many lines each has is known to the planner."""
        return queryset.filter(channel__in=[c["name"] for c in nodes.channels() if c["peer"] == value])

    def by_code(self, queryset, name, value):
        return queryset.filter(code=value, refusal__isnull=False)

    def by_outcome(self, queryset, name, value):
        """By how far each channel came: a range of its numbers, where the outcome itself would be worked out for every line."""
        if value == "refused":
            return queryset.filter(refusal__isnull=False)
        reached = Q(pk__in=())  # nothing, while there is no channel
        for one in nodes.channels():
            stored = max(one["stored"], one["acknowledged"])
            low, high = {
                "waiting": (stored, None), "sent": (one["acknowledged"], stored), "applied": (None, one["acknowledged"]),
            }[value]  # fmt: skip
            reached |= Q(channel=one["name"]) & _between(low, high)
        return queryset.filter(reached, refusal__isnull=True)


def _between(low: int | None, high: int | None) -> Q:
    """Numbers behind `low` up to and with `high`."""
    bounds = {} if low is None else {"seq__gt": low}
    return Q(**bounds, **({} if high is None else {"seq__lte": high}))

    class Meta:
        model = models.Sent
        fields: list[str] = []


class QuarantineTable(_Log):
    name = "exchange-quarantine"
    title = "隔离区"
    sorts = {"received_at": ("-id",)}
    received_at = tables.Column("收到")
    peer = tables.Column("来自")
    reason = tables.Column("原因", attrs={"td": {"class": "wide"}})
    state = tables.Column("状态")
    op = None
    outcome = None

    class Meta(ListTable.Meta):
        sequence = ("received_at", "peer", "dataset", "code", "reason", "record", "version", "state", "seq")
        row_attrs = {"data-href": lambda record: reverse("exchange-quarantined", args=[record.pk])}

    def render_received_at(self, record):
        found = reverse("exchange-quarantined", args=[record.pk])
        return format_html('<a href="{}">{}</a>', found, cn_time(record.received_at))

    def render_state(self, value):
        return state(*STATES.get(value, (value, "grey")))


class QuarantineFilter(_Filter):
    first = ("q", "state", "dataset")
    state = django_filters.ChoiceFilter(
        choices=[(k, v[0]) for k, v in STATES.items() if k != "resent"], label="状态"
    )

    class Meta:
        model = models.Quarantined
        fields: list[str] = []


class RefusedTable(_Log):
    name = "exchange-refused"
    title = "对方拒收"
    sorts = {"told_at": ("-id",)}
    told_at = tables.Column("告知")
    peer = tables.Column("对方")
    reason = tables.Column("原因", attrs={"td": {"class": "wide"}})
    state = tables.Column("状态")
    op = None
    outcome = None

    class Meta(ListTable.Meta):
        sequence = ("told_at", "peer", "dataset", "code", "reason", "record", "version", "state", "seq")

    def render_told_at(self, value):
        return cn_time(value)

    def render_state(self, value):
        return state(*STATES.get(value, (value, "grey")))


class RefusedToSend(RefusedTable):
    """The same for those who may send again: chosen ones, or one."""

    pick = tables.Column("选", accessor="pk", exclude_from_export=True, attrs={"td": {"class": "tick"}})
    again = tables.Column("重发", accessor="pk", exclude_from_export=True, attrs={"td": {"class": "acts"}})

    class Meta(ListTable.Meta):
        sequence = ("pick", *RefusedTable.Meta.sequence, "again")

    def render_pick(self, record):
        if record.state != "open":
            return ""
        return format_html(
            '<input class="form-check-input" type="checkbox" form="resend" name="ids" value="{}" aria-label="选择第 {} 号">',
            record.pk, record.seq,
        )  # fmt: skip

    def render_again(self, record):
        if record.state != "open":
            return ""
        return format_html(
            '<button class="btn btn-sm" type="submit" form="resend" name="only" value="{}"'
            ' aria-label="重新发送第 {} 号">重新发送</button>',
            record.pk, record.seq,
        )  # fmt: skip


class RefusedFilter(_Filter):
    first = ("q", "state", "dataset")
    peer = django_filters.ChoiceFilter(choices=_peers("out"), label="对方")
    state = django_filters.ChoiceFilter(choices=[("open", "待处理"), ("resent", "已重发")], label="状态")

    class Meta:
        model = models.RefusedThere
        fields: list[str] = []


class ReconciliationTable(ListTable):
    name = "exchange-reconciliations"
    title = "对账"
    sorts = {"started_at": ("-started_at", "-id")}
    started_at = tables.Column("时间")
    dataset = tables.Column("数据集", attrs={"td": {"class": "main-cell"}})
    owner_node = tables.Column("记录归属")
    peer = tables.Column("对方")
    ours = tables.Column("本方", attrs={"td": {"class": "number"}}, default="")
    theirs = tables.Column("对方条数", attrs={"td": {"class": "number"}}, default="")
    differing = tables.Column("差异", attrs={"td": {"class": "number"}}, default="")
    state = tables.Column("结果")
    signed_by = tables.Column("核定", default="")

    class Meta(ListTable.Meta):
        row_attrs = {"data-href": lambda record: reverse("exchange-reconciliation", args=[record.pk])}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.peers = peer_titles()

    def render_started_at(self, value):
        return cn_time(value)

    def render_dataset(self, record):
        found = reverse("exchange-reconciliation", args=[record.pk])
        return format_html('<a href="{}">{}</a>', found, dataset_title(record.dataset))

    def value_dataset(self, value):
        return dataset_title(value)

    def render_owner_node(self, value):
        return self.peers.get(value, value)

    def render_peer(self, value):
        return self.peers.get(value, value)

    def render_state(self, value):
        word, tone = RESULTS.get(value, (value, "grey"))
        return lamp("red", word) if tone == "red" else state(word, tone)

    def value_state(self, value):
        return RESULTS.get(value, (value,))[0]


class ReconciliationFilter(ListFilter):
    words = ("dataset", "signed_by")
    placeholder = "数据集代号、核定人"
    first = ("q", "state", "dataset")
    state = django_filters.ChoiceFilter(choices=[(k, v[0]) for k, v in RESULTS.items()], label="结果")
    dataset = django_filters.ChoiceFilter(choices=datasets, label="数据集")
    peer = django_filters.CharFilter(label="对方代码", lookup_expr="exact")

    class Meta:
        model = models.Reconciliation
        fields: list[str] = []
