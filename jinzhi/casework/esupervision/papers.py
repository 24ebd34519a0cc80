"""Documents of e-supervision: 通知书, 黄牌 and 红牌纠错通知书, 监察建议书, numbered and frozen like any other."""

from datetime import date

from django.utils import timezone

from jinzhi.casework.documents import kinds
from jinzhi.casework.esupervision import telling
from jinzhi.casework.esupervision.models import COLOURS, Handling, ScoreSheet, Signal
from jinzhi.foundation import calendar, numbering, rules
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.files.tasks import render_document
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.people.pack import document_word_on, name_on

KINDS = ("supervision_notice", "yellow_card_notice", "red_card_notice", "supervision_advice")


def subject(signal: Signal) -> str:
    return f"signal:{signal.pk}"


def of_signal(signal: Signal):
    return GeneratedDocument.objects.filter(subject=subject(signal)).order_by("created_at")


def offered(signal: Signal) -> list[tuple[str, str]]:
    """Kinds of documents a supervisor may still send about this card, with their titles."""
    held = set(of_signal(signal).values_list("kind", flat=True))
    fitting = ["supervision_notice"]
    if signal.status == Signal.Status.UPHELD:
        fitting.append(f"{signal.colour}_card_notice")
    if signal.colour == "red":
        fitting.append("supervision_advice")
    return [(k, kinds()[k].title) for k in fitting if k not in held]


def issue(
    kind: str, signal: Signal, day: date, *, account=None, post=None, opinion: str = ""
) -> GeneratedDocument:
    """Number and freeze one document about a card; part of the caller's transaction."""
    issuer = post.agency if post else signal.agency.parent or signal.agency
    limits = {
        "reply_by": _later("esupervision.reply", day),
        "correct_by": _later("esupervision.correction", day),
    }
    words = {
        "facts": telling.facts(signal), "rule": signal.title, "key": signal.rule, "colour": COLOURS[signal.colour],
        "law_of_rule": signal.law, "opinion": opinion, **limits,
    }  # fmt: skip
    document = _make(kind, issuer, signal.agency, day, words, subject(signal), signal.place, signal.is_demo)
    Handling.objects.create(
        signal=signal, place=signal.place, at=timezone.now(), kind=Handling.Kind.DOCUMENT,
        text=f"发出《{document.title}》{document.number}。", account=account, post=post,
        data={"document": str(document.pk)},
    )  # fmt: skip
    return document


def _later(rule: str, day: date) -> str:
    limit = rules.value(rule, on=day)
    due = calendar.due(day, int(limit.value), limit.unit).date
    return f"{due.year}年{due.month}月{due.day}日"


def _make(
    kind: str, issuer: Agency, to: Agency, day: date, words: dict, about: str, place: int, demo: bool
) -> GeneratedDocument:
    definition = kinds()[kind]
    number = numbering.next_number(
        definition.series, issuer.key, day.year, definition.pattern, word=document_word_on(issuer, day)
    )
    data = {
        "agency": name_on(issuer, day), "agency_phone": issuer.phone, "applicant": name_on(to, day), "case": "",
        "title": definition.title, "number": number, "law": definition.law, "date": day.isoformat(), "demo": demo,
        "text": definition.body.format_map(words),
    }  # fmt: skip
    document = GeneratedDocument.objects.create(
        place=place, subject=about, kind=kind, number=number, title=definition.title,
        template=definition.template.name, template_version=1, data=data, issued_at=timezone.now(),
    )  # fmt: skip
    if not demo:
        render_document.defer(document_id=str(document.pk))
    return document


def advise(day: date) -> int:
    """监察建议书 for limits of the law that were missed (T6), as many as one run sends by itself."""
    most = int(rules.value("esupervision.documents_per_run", on=day).value)
    first = list(
        Signal.objects.filter(rule="T6", raised_on=day).order_by("id").values_list("pk", flat=True)[:most]
    )
    done = Handling.objects.filter(kind=Handling.Kind.DOCUMENT, signal__in=first).values("signal")
    late = Signal.objects.filter(pk__in=first, status=Signal.Status.OPEN).exclude(pk__in=done)
    cards = list(late.select_related("agency__parent", "case").order_by("id"))
    for card in cards:
        issue("supervision_advice", card, day)
    return len(cards)


def advise_on_score(sheet: ScoreSheet, day: date, *, post=None) -> GeneratedDocument:
    """监察建议书 to an agency that was graded 不合格, with its deadline."""
    lost = "、".join(line["title"] for line in sheet.lines.get("sections", []) if line["taken"])
    words = {
        "period": telling.period(sheet), "total": f"{sheet.total:g}", "facts": f"失分项目：{lost}。" if lost else "",
        "correct_by": _later("esupervision.correction", day),
    }  # fmt: skip
    issuer = post.agency if post else sheet.agency.parent or sheet.agency
    return _make("score_advice", issuer, sheet.agency, day, words, f"score:{sheet.pk}", sheet.place, False)
