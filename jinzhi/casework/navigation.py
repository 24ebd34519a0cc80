"""What casework puts into the menu, the bell and the search box."""

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from jinzhi.casework import actions, todo
from jinzhi.casework.models import Case
from jinzhi.foundation.people import roles
from jinzhi.registry.searching import finding
from jinzhi.web.navigation import Entry, Hit, Reminder, Source

BUSINESS = tuple(sorted(roles.BUSINESS - {"supervisor"}))


def _open(request) -> int:
    return counts(request)["todo"]


def counts(request) -> dict[str, int]:
    """Open, overdue, soon due, new: read once a request, however often menu, bell and page ask."""
    if not hasattr(request, "todo_counts"):
        actor = actions.Actor(request.user, request.post, tuple(request.powers))
        request.todo_counts = todo.counts(actor)
    return request.todo_counts


ENTRIES = [
    Entry("工作台", "work-home", "home", "办件", 0, roles=BUSINESS, key="h"),
    Entry("待办", "work-todo", "inbox", "办件", 1, roles=BUSINESS, count=_open, key="t"),
    Entry("待阅", "work-toread", "eye", "办件", 1, roles=BUSINESS, count=lambda r: counts(r)["toread"]),
    Entry("已办", "work-done", "checks", "办件", 2, roles=BUSINESS, key="d"),
    Entry("抄送", "work-copies", "mail", "办件", 3, roles=BUSINESS, key="c"),
    Entry("我发起", "work-started", "send", "办件", 4, roles=("window_clerk",)),
    Entry("办件总览", "work-board", "layout-dashboard", "监督", 0, roles=("supervisor", "approver"), key="b"),
    Entry(
        "办理流程",
        "work-procedures",
        "sitemap",
        "系统管理",
        60,
        roles=("administrator", "security_administrator", "auditor", "supervisor"),
    ),
]


AUDIT_KINDS = {"casework.dossier": "制作卷宗", "casework.read": "审计查阅办件"}


def reminders(request) -> list[Reminder]:
    if request.post is None or not request.roles & set(BUSINESS):
        return []
    numbers = counts(request)
    found = []
    if numbers["overdue"]:
        found.append(
            Reminder(f"{numbers['overdue']} 件已超期", "/office/todo/?lamp=red", "red", numbers["overdue"])
        )
    if numbers["soon"]:
        found.append(
            Reminder(f"{numbers['soon']} 件两个工作日内到期", "/office/todo/", "orange", numbers["soon"])
        )
    return found


def _find(request, words: str, limit: int) -> list[Hit]:
    """Cases by the beginning of their number, else by whom they are about; the newest first."""
    if request.post is None:
        return []
    found = list(Case.objects.filter(number__startswith=words.upper()).order_by("-id")[:limit])
    if not found and len(words) > 1:
        keys = [hit.id for hit in finding.search(words, limit=finding.MOST).hits]
        fitting = RawSQL(
            """casework_case.id IN (
                SELECT id FROM casework_case WHERE enterprise_id = ANY(%s)
                UNION ALL SELECT id FROM casework_case WHERE subject_grams @@ registry_gram_query(%s)
                    AND subject_name LIKE %s AND enterprise_id IS NULL)""",
            [keys, words, f"%{_plain(words)}%"],
            output_field=BooleanField(),
        )
        found = list(Case.objects.filter(fitting).order_by("-id")[:limit])
    return [Hit(c.number, f"/office/cases/{c.number}/", c.subject_name, c.number) for c in found]


def _plain(words: str) -> str:
    """For LIKE: its own signs stand for themselves."""
    return words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


SOURCES = [Source("办件", _find, 1, key="cases")]
