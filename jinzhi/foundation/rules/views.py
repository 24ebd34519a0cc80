"""The administrator's page of legal parameters: each with its values over time, article and mark."""

from itertools import groupby

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.people.access import role_required

READERS = ("administrator", "security_administrator", "auditor")


@role_required(*READERS)
def index(request: HttpRequest) -> HttpResponse:
    words, mark = request.GET.get("q", "").strip()[:80], request.GET.get("mark", "")
    parameters = [p for p in rules.all_parameters() if _fits(p, words, mark)]
    tables = [t for t in rules.all_tables() if words.lower() in f"{t.key} {t.title} {t.law}".lower()]
    context = {
        "rooms": [(_room(room), list(group)) for room, group in groupby(parameters, key=lambda p: p.room)],
        "tables": [] if mark else tables,
        "count": len(parameters),
        "marks": rules.MARKS,
        "words": words,
        "mark": mark,
        "today": today(),
    }
    return render(request, "rules/index.html", context)


def _fits(parameter: rules.Parameter, words: str, mark: str) -> bool:
    text = f"{parameter.key} {parameter.title} {' '.join(v.law + v.article for v in parameter.values)}"
    return words.lower() in text.lower() and (not mark or any(v.mark == mark for v in parameter.values))


def _room(name: str) -> str:
    """The Chinese name of a room."""
    for config in apps.get_app_configs():
        if config.name == f"jinzhi.{name}":
            return str(config.verbose_name)
    return name
