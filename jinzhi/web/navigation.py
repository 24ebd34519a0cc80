"""The menu, the reminders and the search box's sources: rooms declare, the shell shows.

A room puts `ENTRIES` (and, where it has any, `reminders(request)` and `SOURCES`) into its
`navigation.py`. A room of the foundation, which may not import this module, writes dicts of the same fields.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.urls import NoReverseMatch, reverse

# Groups in the order of the menu; a group that is not named here comes after them.
GROUPS = ("办件", "档案", "监督", "数据共享", "网络运维", "系统管理", "日志", "企业办事")


@dataclass(frozen=True)
class Entry:
    """One line of the menu.

    `roles`: shown when the post acted in holds one of them (empty: always); `faces`: "staff",
    "enterprise" or "public"; `count`: a cheap query, its number stands beside the title;
    `key`: pressed after `g` this key opens the page.
    """

    title: str
    url_name: str
    icon: str
    group: str
    order: int
    roles: tuple[str, ...] = ()
    faces: tuple[str, ...] = ("staff",)
    count: Callable | None = None
    key: str = ""


@dataclass(frozen=True)
class Reminder:
    """What the bell shows: a sentence, where it leads and its lamp (green, yellow, orange, red, grey)."""

    text: str
    url: str
    lamp: str = "grey"
    count: int = 0


@dataclass(frozen=True)
class Hit:
    """One answer of the search box."""

    title: str
    url: str
    detail: str = ""
    code: str = ""  # by which the interface's own operation knows it


@dataclass(frozen=True)
class Source:
    """Where the search box looks: `find(request, words, limit) -> list[Hit]`, within the request's scope.

    `faces`: who may ask, "staff", "enterprise" or "public"; `key`: its name for programs.
    """

    title: str
    find: Callable
    order: int = 0
    roles: tuple[str, ...] = ()
    faces: tuple[str, ...] = ("staff",)
    key: str = ""


@dataclass
class Found:
    title: str
    hits: list[Hit]
    key: str = ""


@dataclass
class Line:
    """An entry as it stands in this person's menu."""

    title: str
    url: str
    icon: str
    key: str
    count: int | None = None
    active: bool = False


@dataclass
class Group:
    title: str
    lines: list[Line] = field(default_factory=list)


@cache
def _modules() -> tuple:
    """The `navigation` modules of the installed rooms."""
    found = []
    for app in apps.get_app_configs():
        name = "jinzhi.web.desk.navigation" if app.name == "jinzhi.web" else f"{app.name}.navigation"
        if app.name.startswith("jinzhi.") and find_spec(name):
            found.append(import_module(name))
    return tuple(found)


def entries() -> list[Entry]:
    """Every declared entry in the order of the menu."""
    declared = [
        Entry(**entry) if isinstance(entry, dict) else entry
        for module in _modules()
        for entry in getattr(module, "ENTRIES", ())
    ]
    return sorted(declared, key=lambda e: (_group_order(e.group), e.order, e.title))


def _group_order(group: str) -> tuple[int, str]:
    return (GROUPS.index(group), "") if group in GROUPS else (len(GROUPS), group)


def face(request) -> str:
    user = getattr(request, "user", None)
    return user.kind if user is not None and user.is_authenticated else "public"


def menu(request) -> list[Group]:
    """The groups of lines this person may open, with the line of the present page marked."""
    groups: dict[str, Group] = {}
    lines: list[Line] = []
    for entry in _allowed(request):
        try:
            url = reverse(entry.url_name)
        except NoReverseMatch:
            continue
        line = Line(entry.title, url, entry.icon, entry.key, count=_count(entry, request))
        groups.setdefault(entry.group, Group(entry.group)).lines.append(line)
        lines.append(line)
    here = [line for line in lines if request.path.startswith(line.url)]
    if here:
        max(here, key=lambda line: len(line.url)).active = True
    return list(groups.values())


def _allowed(request) -> Iterable[Entry]:
    who = face(request)
    roles: set[str] = getattr(request, "roles", set())
    return (e for e in entries() if who in e.faces and (not e.roles or roles & set(e.roles)))


def _count(entry: Entry, request) -> int | None:
    return entry.count(request) if entry.count else None


def reminders(request) -> list[Reminder]:
    """What the rooms want this person to see first, the most pressing first."""
    order = {"red": 0, "orange": 1, "yellow": 2, "green": 3, "grey": 4}
    found: list[Reminder] = []
    for module in _modules():
        if ask := getattr(module, "reminders", None):
            found += ask(request)
    return sorted(found, key=lambda r: order.get(r.lamp, 5))


def find(request, words: str, limit: int) -> list[Found]:
    """Hits of every source this person may ask, empty sources left out."""
    declared = [s for module in _modules() for s in getattr(module, "SOURCES", ())]
    sources = [Source(**s) if isinstance(s, dict) else s for s in declared]
    who = face(request)
    allowed = [s for s in sources if who in s.faces and (not s.roles or request.roles & set(s.roles))]
    ordered = sorted(allowed, key=lambda s: s.order)
    groups = (Found(s.title, s.find(request, words, limit), s.key) for s in ordered)
    return [group for group in groups if group.hits]


@cache
def _kind_words() -> dict[str, str]:
    return {k: w for module in _modules() for k, w in getattr(module, "AUDIT_KINDS", {}).items()}


def audit_kind(kind: str) -> str:
    """The word for what an entry of the operation log tells: rooms declare `AUDIT_KINDS` {kind: words}."""
    return _kind_words().get(kind, kind)


def audit_kinds() -> list[tuple[str, str]]:
    """Choices for a filter, in the order of the words."""
    return sorted(_kind_words().items(), key=lambda item: item[1])
