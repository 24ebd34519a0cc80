"""What the lists of the desk share: the log entry of an export, links and words in cells."""

from django.utils.html import format_html, format_html_join

from jinzhi.foundation.people import roles
from jinzhi.foundation.people.acting import Actor


def exported(request, title: str):
    """For `list_page(on_export=…)`: a download of people's data leaves a trace."""

    def record(rows):
        Actor.of(request).record(
            "desk.exported", title, {"条件": request.GET.urlencode(), "条数": rows.count()}
        )

    return record


def link(url: str, words) -> str:
    return format_html('<a href="{}">{}</a>', url, words)


def role_words(keys) -> str:
    """Role names in the order of the catalogue, as quiet pills."""
    held = [name for key, name in roles.ROLES.items() if key in keys]
    return format_html_join(" ", '<span class="state">{}</span>', ((name,) for name in held))


def role_text(keys) -> str:
    return "、".join(name for key, name in roles.ROLES.items() if key in keys)
