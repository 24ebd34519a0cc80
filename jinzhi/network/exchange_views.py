"""Pages of the exchange: how it stands, the message log, the quarantine, comparisons."""

import json
from datetime import timedelta

from django.contrib import messages
from django.db import connection, transaction
from django.db.models import Count
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from jinzhi.foundation.exchange import applying, border, comparing, declared, quarantine, standing
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.people.acting import Actor
from jinzhi.foundation.places import scope
from jinzhi.network import asking, exchange_tables, folder, reconciling
from jinzhi.network.models import Quarantined, Received, Reconciliation, RefusedThere, Sent
from jinzhi.web.lists import list_page

READERS = ("operator", "operations_manager", "administrator", "auditor", "supervisor")
reader = role_required(*READERS)
actor = role_required("operator", "operations_manager", "administrator")
COUNTED = 1000  # lines of the log that a page counts; beyond that it says about how many
LOT = 5000  # refused records that one click sends again
MAY_ACT = {"operator", "operations_manager", "administrator"}


def _of_this_node(request) -> bool:
    """Whether the post is one of the node's own bureau: figures of the whole node are for it alone."""
    return request.post.agency.place == int(f"{nodes.this().node:0<12}")


@require_safe
@reader
def overview(request):
    """Figures of each dataset and peer, channels, what waits in quarantine."""
    context: dict = {"in_network": reconciling.in_network(), "whole": _of_this_node(request)}
    if context["whole"]:
        peers: dict[str, list] = {}
        names = exchange_tables.peer_titles()
        for row in standing.status():
            peers.setdefault(row["peer"], []).append(row)
        context["peers"] = [
            {"code": code, "name": names.get(code, code), "rows": rows} for code, rows in peers.items()
        ]
        context["channels"] = [
            one | {"title": names.get(one["peer"], one["peer"]), "waiting": max(0, one["numbered"] - one["stored"]),
                   "unconfirmed": max(0, one["stored"] - one["acknowledged"])}
            for one in nodes.channels()
        ]  # fmt: skip
    context["quarantined"] = Quarantined.objects.filter(state="open").count()
    context["refused"] = RefusedThere.objects.filter(state="open").count()
    since = timezone.now() - timedelta(days=30)
    found = Reconciliation.objects.filter(started_at__gt=since).values("state").annotate(n=Count("id"))
    context["reconciled"] = {row["state"]: row["n"] for row in found}
    return render(request, "network/exchange.html", context)


def _exported(request, title: str):
    """For `list_page(on_export=…)`: a download of the log leaves a trace (its rows are not counted: they are many)."""

    def record(rows):
        Actor.of(request).record("exchange.exported", title, {"条件": request.GET.urlencode()[:500]})

    return record


@require_safe
@reader
def received(request):
    return list_page(
        request, table=exchange_tables.ReceivedTable, queryset=Received.objects.all(),
        filters=exchange_tables.ReceivedFilter, template="network/exchange_log.html", context={"side": "in"},
        count_up_to=COUNTED, on_export=_exported(request, "收到的消息"),
    )  # fmt: skip


@require_safe
@reader
def sent(request):
    return list_page(
        request, table=exchange_tables.SentTable, queryset=Sent.objects.all(), filters=exchange_tables.SentFilter,
        template="network/exchange_log.html", context={"side": "out"}, count_up_to=COUNTED,
        on_export=_exported(request, "发出的消息"),
    )  # fmt: skip


@require_safe
@reader
def way(request, record):
    """Where one record has been, while it lay where the post is responsible."""
    found = standing.way(str(record), within=scope.jurisdiction(request.post.agency.place))
    if not found:
        raise Http404("没有这条记录的消息")
    lines = []
    names = exchange_tables.peer_titles()
    for line in found:
        word, tone = exchange_tables.OUTCOMES.get(line.get("outcome", ""), ("写入", "grey"))
        lines.append(
            line | {
                "dataset_title": exchange_tables.dataset_title(line["dataset"]),
                "peer_title": names.get(line.get("peer") or "", line.get("peer") or ""),
                "op_title": exchange_tables.OPS.get(line["op"], line["op"]), "word": word, "tone": tone,
            }
        )  # fmt: skip
    return render(request, "network/exchange_way.html", {"record": record, "lines": lines})


# -- quarantine


@require_safe
@reader
def isolated(request):
    return list_page(
        request, table=exchange_tables.QuarantineTable, queryset=Quarantined.objects.defer("payload"),
        filters=exchange_tables.QuarantineFilter, template="network/exchange_quarantine.html", context={"side": "in"},
        on_export=_exported(request, "隔离区"),
    )  # fmt: skip


@require_safe
@reader
def refused(request):
    may_act = bool(request.roles & MAY_ACT)
    table = exchange_tables.RefusedToSend if may_act else exchange_tables.RefusedTable
    return list_page(
        request, table=table, queryset=RefusedThere.objects.all(),
        filters=exchange_tables.RefusedFilter, template="network/exchange_quarantine.html",
        context={"side": "out", "may_act": may_act}, on_export=_exported(request, "对方拒收"),
    )  # fmt: skip


ADVICE = {
    "E01": "请发送方检查信封和编码后重发。",
    "E03": "请发送方按数据集的信息项核对；结构版本不同的，先升级较旧的一方。",
    "E04": "请核对代码值；代码集有新版本的，先更新代码集再重新应用。",
    "E05": "请发送方核对代码后更正记录，更正即重新发送。",
    "E06": "本节点已有同一代码的另一条记录。请核对是否同一对象，合并或更正后再重新应用。",
    "E07": "引用的记录到达后会自动应用；长期未到的，请发送方补发上级记录。",
    "E08": "请对账，由对账修复处理。",
    "E09": "发送方不能发送这条记录。请核对辖区、归属和授权。",
    "E10": "请发送方拆分或压缩。",
}


def _readable(payload: str) -> str:
    """A refused message indented, or as it came: it may be anything a peer can think of."""
    try:
        shown = json.dumps(json.loads(payload), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        shown = payload
    return shown.encode("utf-8", "backslashreplace").decode()


@require_safe
@reader
def quarantined(request, key: int):
    found = get_object_or_404(Quarantined, pk=key)
    Actor.of(request).record("exchange.quarantine.read", f"隔离消息 {key}", {"数据集": found.dataset})
    shown = _readable(found.payload)
    word, tone = exchange_tables.STATES.get(found.state, (found.state, "grey"))
    context = {
        "q": found, "shown": shown[:20_000], "cut": len(shown) > 20_000, "word": word, "tone": tone,
        "dataset": exchange_tables.dataset_title(found.dataset), "peer": exchange_tables.peer_title(found.peer),
        "meaning": exchange_tables.CODES.get(found.code, ""), "advice": ADVICE.get(found.code, ""),
        "may_act": bool(request.roles & MAY_ACT) and found.state == "open",
    }  # fmt: skip
    return render(request, "network/exchange_quarantined.html", context)


@require_POST
@actor
def reapply(request, key: int):
    """Try a refused message again: what it lacked may be here now."""
    found = get_object_or_404(Quarantined, pk=key)
    problem = ""
    with transaction.atomic():
        held = _hold(key)
        if held:
            with scope.acting(scope.SYSTEM):
                problem = _apply(found)
                if not problem:
                    quarantine.settle([key], "applied", request.user.name)
            if not problem:
                Actor.of(request).record(
                    "exchange.quarantine.applied", f"隔离消息 {key}", {"数据集": found.dataset}
                )
    if not held:
        messages.warning(request, TAKEN)
    elif problem:
        messages.error(request, f"仍不能应用：{problem}")
    else:
        messages.success(request, "已应用。")
    return redirect("exchange-quarantined", key=key)


TAKEN = "这条消息已由别人处理。"


def _hold(key: int) -> bool:
    """Whether the entry is still open; nobody else settles it until this transaction ends."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute("SELECT FROM exchange_quarantine WHERE id = %s AND state = 'open' FOR UPDATE", [key])
        return cursor.rowcount == 1


def _apply(found: Quarantined) -> str:
    """The sentence of refusal, or "" when the message has been applied."""
    try:
        sender = asking.sender_of(found.peer)
    except LookupError:
        other = asking.partner_sender(found.peer)
        if other is None:
            return f"对方 {found.peer} 已不在网络中"
        sender = other
    message = border.read(found.seq, found.payload.encode(), sender)
    if not message.code:
        with transaction.atomic():
            applying.apply([message], sender)
    return f"{message.code} {message.reason}" if message.code else ""


@require_POST
@actor
def discard(request, key: int):
    found = get_object_or_404(Quarantined, pk=key)
    reason = request.POST.get("reason", "").strip()[:200]
    if not reason:
        messages.error(request, "请写明作废的理由。")
        return redirect("exchange-quarantined", key=key)
    with transaction.atomic():
        with scope.acting(scope.SYSTEM):
            done = quarantine.settle([key], "discarded", request.user.name)
        if done:
            Actor.of(request).record(
                "exchange.quarantine.discarded", f"隔离消息 {key}", {"理由": reason, "数据集": found.dataset}
            )
    if done:
        messages.success(request, "已作废。")
    else:
        messages.warning(request, TAKEN)
    return redirect("exchange-quarantined", key=key)


@require_POST
@actor
def resend(request):
    """Send the present state of what peers refused once more: one, the chosen ones or all, of those the post may see."""
    open_ones = RefusedThere.objects.filter(state="open")
    if "only" in request.POST or request.POST.get("which") == "chosen":
        named = request.POST.getlist("only") or request.POST.getlist("ids")
        wanted = [int(one) for one in named[:LOT] if one.isascii() and one.isdigit() and len(one) < 19]
        if not wanted:
            messages.warning(request, "请先勾选要重新发送的记录。")
            return redirect("exchange-refused")
        open_ones = open_ones.filter(pk__in=wanted)
    keys = list(open_ones.values_list("pk", flat=True)[:LOT])
    with transaction.atomic():
        with scope.acting(scope.SYSTEM):
            count = quarantine.resend(ids=keys) if keys else 0
        if keys:
            Actor.of(request).record("exchange.resent", "对方拒收的记录", {"条数": count})
    if count:
        messages.success(request, f"已按现状重新发送 {count} 条。")
    else:
        messages.warning(request, "没有可以重新发送的记录：没有待处理的，或者已由别人处理。")
    return redirect("exchange-refused")


# -- comparisons


@require_safe
@reader
def reconciliations(request):
    return list_page(
        request, table=exchange_tables.ReconciliationTable, queryset=Reconciliation.objects.defer("report"),
        filters=exchange_tables.ReconciliationFilter, template="network/exchange_reconciliations.html",
        context={
            "datasets": exchange_tables.datasets(), "may_act": bool(request.roles & MAY_ACT) and _of_this_node(request),
            "in_network": reconciling.in_network(), "peers": _comparable(),
        },
    )  # fmt: skip


@require_safe
@reader
def reconciliation(request, key):
    found = get_object_or_404(Reconciliation, pk=key)
    differences = found.report.get("differences", [])
    kinds: dict[str, int] = {}
    for one in differences:
        kinds[one["kind"]] = kinds.get(one["kind"], 0) + 1
    word, tone = exchange_tables.RESULTS.get(found.state, (found.state, "grey"))
    context = {
        "r": found, "dataset": exchange_tables.dataset_title(found.dataset), "word": word, "tone": tone,
        "peer": exchange_tables.peer_title(found.peer), "owner": exchange_tables.peer_title(found.owner_node),
        "kinds": [(comparing.KINDS.get(kind, kind), n) for kind, n in sorted(kinds.items())],
        "differences": [d | {"word": comparing.KINDS.get(d["kind"], d["kind"])} for d in differences[:200]],
        "more": max(0, len(differences) - 200), "error": found.report.get("error", ""),
        "may_act": bool(request.roles & MAY_ACT) and _of_this_node(request),
        "may_sign": request.roles & {"operations_manager", "supervisor"} and found.state == "agreed" and not found.signed_by
        and _of_this_node(request),
    }  # fmt: skip
    return render(request, "network/exchange_reconciliation.html", context)


def _comparable() -> list[tuple[str, str]]:
    """The nodes this one can compare with, by name: a city the hub, the hub its cities; partners are none."""
    names = exchange_tables.peer_titles()
    return [
        (one["peer"], names.get(one["peer"], one["peer"]))
        for one in nodes.channels()
        if one["kind"] in ("up", "city")
    ]


@require_POST
@actor
def ask_reconciliation(request):
    """Have a comparison made in the background."""
    dataset, peer = request.POST.get("dataset", ""), request.POST.get("peer", "").strip()
    heal = request.POST.get("heal") == "1"
    if not _of_this_node(request):
        raise Http404
    if dataset and dataset not in declared.all():
        messages.error(request, "没有这个数据集。")
    elif peer and not (peer.isalnum() and len(peer) <= 12):
        messages.error(request, "对方代码不对。")
    elif peer and peer not in dict(_comparable()):
        messages.error(request, f"没有可以对账的节点 {peer}。")
    elif not folder.node():
        messages.error(request, "本节点没有加入网络，不能对账。")
    else:
        with scope.acting(scope.SYSTEM):
            reconciling.request(dataset, peer, heal)
        Actor.of(request).record(
            "exchange.reconcile", dataset or "全部数据集", {"对方": peer or "全部", "修复": heal}
        )
        messages.success(request, "已开始对账，完成后列在下面。")
    return redirect("exchange-reconciliations")


@require_POST
@role_required("operations_manager", "supervisor")
def sign(request, key):
    """A person confirms a comparison in which both ends agree."""
    found = get_object_or_404(Reconciliation, pk=key)
    if not _of_this_node(request):
        raise Http404
    with transaction.atomic():
        with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE exchange_reconciliation SET signed_by = %s WHERE id = %s AND signed_by = '' AND state = 'agreed'",
                [request.user.name[:80], found.pk],
            )
            done = cursor.rowcount
        if done:
            Actor.of(request).record(
                "exchange.reconciliation.signed", f"对账 {found.pk}", {"数据集": found.dataset}
            )
    if done:
        messages.success(request, "已核定。")
    else:
        messages.warning(request, "只有两端相符、尚未核定的对账可以核定。")
    return redirect("exchange-reconciliation", key=key)
