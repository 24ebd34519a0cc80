"""Notices and decisions of a case (文书): numbered in the act's transaction, frozen as data, rendered once.

A room lists its kinds in `documents/*.yaml` (title, template, number series) beside the Typst templates.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from django.apps import apps

from jinzhi.casework import clocks
from jinzhi.casework.models import Case, Service
from jinzhi.foundation import numbering, rules
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.files.tasks import render_document
from jinzhi.foundation.people.pack import document_word_on, name_on
from jinzhi.foundation.places.services import name_path


@dataclass(frozen=True)
class Kind:
    """`series` and `pattern` give the official number, e.g. {word}许受〔{year}〕{n}号; none for a receipt."""

    key: str
    title: str
    template: Path
    series: str = ""
    pattern: str = ""
    law: str = ""
    body: str = ""
    public: bool = True


@cache
def kinds() -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for app in apps.get_app_configs():
        if not app.name.startswith("jinzhi."):
            continue
        for path in sorted(Path(app.path).glob("documents/*.yaml")):
            for key, raw in yaml.safe_load(path.read_text(encoding="utf-8")).items():
                raw["template"] = path.parent / raw["template"]
                if key in found:
                    raise ValueError(f"{path}: 文书种类 {key} 已在 {found[key].template.parent} 中定义")
                found[key] = Kind(key=key, **raw)
    return found


def subject(case: Case) -> str:
    return f"case:{case.id}"


def of_case(case: Case, *, for_applicant: bool = False):
    """Documents of the case, oldest first; the applicant sees the ones addressed to it."""
    found = GeneratedDocument.objects.filter(subject=subject(case)).order_by("created_at")
    if for_applicant:
        found = found.filter(kind__in=[k.key for k in kinds().values() if k.public])
    return found


def context(act) -> dict:
    """What every template may use; frozen with the document."""
    case, definition = act.case, act.case.definition
    agency = act.agency
    limits = [
        {
            "title": c.title,
            "limit": clocks.limit_text(c.limit + c.extended, c.unit),
            "due": clocks.due_day(c).isoformat(),
            "law": c.law,
        }
        for c in case.clocks.filter(step=None, state="running").exclude(unit="date").order_by("id")
    ]
    return {
        "agency": name_on(agency, act.day),
        "agency_key": agency.key,
        "agency_phone": agency.phone,
        "case": case.number,
        "matter": definition.matter,
        "rule_set": definition.rule_set,
        "demo": case.is_demo,
        "applicant": case.subject_name,
        "applicant_code": case.subject_code,
        "place": name_path(case.place),
        "received_on": case.received_on.isoformat(),
        "accepted_on": case.accepted_on.isoformat() if case.accepted_on else "",
        "date": act.day.isoformat(),
        "reason": act.reason,
        "items": act.payload.get("items", []),
        "limits": limits,
        "facts": case.facts,
        "law": act.outcome.law if act.outcome else "",
        "remedy": remedy(agency, act.day),
    }


def fill(body: str, data: dict) -> str:
    """The paragraphs of a notice, with dates and lists in official wording."""
    limits = "".join(f"{c['title']}为 {c['limit']}，至 {_cn(c['due'])}届满。" for c in data["limits"])
    suspension = data["facts"].get("suspension") or {}
    granted = "；".join(i["text"] for i in data["facts"].get("items", []))
    words = {k: v for k, v in data.items() if isinstance(v, str)}
    words |= {k: _cn(data[k]) for k in ("received_on", "accepted_on", "date")}
    return body.format_map(
        words
        | {
            "limits_text": limits,
            "items_text": "\n".join(f"{n}. {text}" for n, text in enumerate(data["items"], start=1)),
            "items_granted": granted,
            "ground": suspension.get("ground", ""),
            "ground_days": f"{suspension['days']} 日" if suspension.get("days") else "的时间另行告知",
        }
    )


def _cn(iso: str) -> str:
    """2026-03-02 as 2026年3月2日."""
    if not iso:
        return "—"
    year, month, day = iso.split("-")
    return f"{year}年{int(month)}月{int(day)}日"


def remedy(agency, on) -> str:
    """Where and until when the decision may be contested (行政复议法、行政诉讼法), by the rules of the day."""
    review = rules.value("remedy.reconsideration", on=on)
    suit = rules.value("remedy.suit", on=on)
    body = rules.value("remedy.reconsideration_body", on=on)
    return (
        f"如不服本决定，可以自知道本决定之日起 {clocks.limit_text(review.value, review.unit)}内"
        f"向{body.value}申请行政复议，"
        f"也可以自知道或者应当知道本决定之日起 {clocks.limit_text(suit.value, suit.unit)}内"
        f"依法向人民法院提起行政诉讼。"
    )


def serve(
    act, document: GeneratedDocument, method: str, day: date, *, recipient: str = "", proof: str = ""
) -> Service:
    """Record that the document reached its addressee; once for each document."""
    return Service.objects.create(
        case=act.case, place=act.case.place, document=document, method=method, served_on=day,
        recipient=recipient or act.case.subject_name, proof=proof, by=act.actor.account,
    )  # fmt: skip


def issue(kind: str, act, **extra) -> GeneratedDocument:
    """Number and freeze one document of the act; a job of the same transaction renders it, or its first reader."""
    definition = kinds()[kind]
    agency = act.agency
    number = ""
    if definition.series:
        number = numbering.next_number(
            definition.series,
            agency.key,
            act.day.year,
            definition.pattern,
            word=document_word_on(agency, act.day),
        )
    data = context(act) | extra | {"title": definition.title, "number": number, "law": definition.law}
    data["text"] = fill(definition.body, data)
    document = GeneratedDocument.objects.create(
        place=act.case.place, subject=subject(act.case), enterprise_id=act.case.enterprise_id, kind=kind,
        number=number, title=definition.title, template=str(definition.template.name),
        template_version=1, data=data, issued_at=act.at,
    )  # fmt: skip
    if not act.case.is_demo:  # thousands at once; they are made when somebody asks
        render_document.defer(document_id=str(document.pk))
    return document
