"""Template tags of the common look: icons, lamps, codes, dates, empty states, small pictures.

`{% load jinzhi %}`. Every tag escapes what it is given; none writes an inline style (the CSP forbids it).
"""

import re
from datetime import date, datetime
from functools import cache

from django import template
from django.conf import settings
from django.template.base import token_kwargs
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from jinzhi.foundation.people import roles

register = template.Library()

ICONS = "@tabler/icons-sprite/dist/tabler-sprite.svg"

# lamp -> (shape, word); a colour-blind person reads the shape and the word
LAMPS: dict[str, tuple[str, str]] = {
    "green": ("●", "正常"),
    "yellow": ("▲", "将到期"),
    "orange": ("◆", "紧急"),
    "red": ("■", "超期"),
    "grey": ("‖", "暂停"),
    "done": ("✓", "办结"),
}


@cache
def _sprite() -> str:
    path = settings.NODE_MODULES / ICONS
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@cache
def _icon_body(name: str) -> str:
    """Shapes of one icon, cut from the installed sprite; an empty square for a name that does not exist."""
    found = re.search(rf'<symbol id="tabler-{re.escape(name)}"[^>]*>(.*?)</symbol>', _sprite(), re.S)
    if not found:
        return '<rect x="4" y="4" width="16" height="16" rx="2"/>'
    return re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", found.group(1))


@register.simple_tag
def icon(name: str, label: str = "", css: str = ""):
    """An outline icon by its Tabler name; with `label` it speaks, without it is decoration."""
    voice = format_html(' role="img" aria-label="{}"', label) if label else mark_safe(' aria-hidden="true"')
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor"'
        ' stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"{}>{}</svg>',
        css,
        voice,
        mark_safe(_icon_body(name)),  # noqa: S308  (a file of the installed package)
    )


@register.simple_tag
def lamp(state: str, word: str = "", title: str = ""):
    """A lamp: shape, colour and word. `{% lamp "red" %}`, `{% lamp "yellow" "还剩 2 个工作日" %}`."""
    shape, usual = LAMPS.get(state, LAMPS["grey"])
    colour = state if state in LAMPS else "grey"
    tip = format_html(' title="{}"', title) if title else ""
    return format_html(
        '<span class="lamp lamp-{}"{}><span class="lamp-shape" aria-hidden="true">{}</span>{}</span>',
        colour,
        tip,
        shape,
        word or usual,
    )


@register.simple_tag
def state(word: str, tone: str = "grey"):
    """A state in a quiet pill: `{% state "已受理" "blue" %}` (blue, green, yellow, red, grey)."""
    return format_html('<span class="state state-{}">{}</span>', tone, word)


@register.filter
def code(value, size: int = 4):
    """A code in groups on screen, unbroken when copied (the gaps are margins, not characters)."""
    text = "" if value is None else str(value)
    groups = [text[i : i + int(size)] for i in range(0, len(text), int(size))]
    return format_html(
        '<span class="code">{}</span>', format_html_join("", "<span>{}</span>", ((g,) for g in groups))
    )


def _as_date(value) -> date | None:
    if isinstance(value, datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    return value


@register.filter
def law_date(value):
    """A date as sentences and documents write it: 2026年11月22日."""
    day = _as_date(value)
    return f"{day.year}年{day.month}月{day.day}日" if day else ""


@register.filter
def short_date(value):
    """Month and day in a sentence: 12月3日; with the year when it is another one."""
    day = _as_date(value)
    if not day:
        return ""
    year = "" if day.year == timezone.localdate().year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"


@register.filter
def cn_date(value):
    """A date as tables write it: 2026-11-22."""
    day = _as_date(value)
    return day.isoformat() if day else ""


@register.filter
def cn_time(value):
    """A moment as tables write it: 2026-11-22 14:03."""
    if not isinstance(value, datetime):
        return cn_date(value)
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return local.strftime("%Y-%m-%d %H:%M")


@register.filter
def about(count):
    """A number of results: exact when small, "约 1.2 万" when large."""
    if count is None:
        return ""
    count = int(count)
    if count < 1000:
        return str(count)
    if count < 10_000:
        return f"约 {round(count, -2):,}"
    return f"约 {count / 10_000:.1f} 万".replace(".0 ", " ")


@register.filter
def yuan(cents):
    """Integer cents as yuan: 1234500 -> 12,345.00."""
    return "" if cents is None else f"{int(cents) // 100:,}.{int(cents) % 100:02d}"


@register.inclusion_tag("web/parts/empty.html", name="nothing")
@register.inclusion_tag("web/parts/empty.html", name="empty")  # not inside a `for`, whose own word it is
def nothing(title: str, text: str = "", icon: str = "inbox", url: str = "", action: str = ""):
    """Nothing yet: what this place is for, what to do: `{% nothing "还没有办件" "…" url="" action="" %}`."""
    return {"title": title, "text": text, "icon": icon, "url": url, "action": action}


@register.inclusion_tag("web/parts/skeleton.html")
def skeleton(rows: int = 5):
    """Grey lines where content is on its way."""
    return {"rows": range(int(rows))}


@register.simple_tag
def share(value, of=100, tone: str = "blue"):
    """A thin bar as SVG: `{% share 30 120 "red" %}`; the number belongs beside it in words."""
    part = 0 if not of else max(0.0, min(100.0, 100 * float(value) / float(of)))
    return format_html(
        '<svg class="share share-{}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="share-all" width="100" height="4"/>'
        '<rect class="share-part" width="{}" height="4"/></svg>',
        tone,
        f"{part:.1f}",
    )


@register.simple_tag(takes_context=True)
def query(context, **changes):
    """The present address's query with some parameters changed; None or "" takes one away."""
    parameters = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            parameters.pop(key, None)
        else:
            parameters[key] = value
    return f"?{parameters.urlencode()}" if parameters else "?"


@register.filter
def role_name(key):
    """The Chinese name of a role."""
    return roles.name(key)


ROLE_ICONS = {
    "applicant": "building-factory-2",
    "window_clerk": "inbox",
    "examiner": "file-search",
    "inspector": "clipboard-check",
    "approver": "rubber-stamp",
    "certificate_clerk": "certificate",
    "legal_reviewer": "scale",
    "hearing_officer": "gavel",
    "appraiser": "microscope",
    "records_clerk": "archive",
    "supervisor": "eye-check",
    "operator": "server",
    "operations_manager": "server-cog",
    "administrator": "settings",
    "security_administrator": "shield-lock",
    "auditor": "history",
}


@register.filter
def role_icon(key):
    """The icon of a role, for `{% icon role|role_icon %}`."""
    return ROLE_ICONS.get(key, "user")


@register.filter
def get(mapping, key):
    """A value by a key that is a variable."""
    return mapping.get(key) if hasattr(mapping, "get") else None


class _FieldNode(template.Node):
    def __init__(self, label, options, nodes):
        self.label, self.options, self.nodes = label, options, nodes

    def render(self, context):
        options = {k: v.resolve(context) for k, v in self.options.items()}
        body = self.nodes.render(context).strip()
        return format_html(
            '<div class="field{}{}"><dt>{}</dt><dd>{}{}</dd></div>',
            " field-wide" if options.get("wide") else "",
            " field-changed" if options.get("changed") else "",
            self.label.resolve(context),
            mark_safe(body) if body else mark_safe('<span class="none">未填</span>'),  # noqa: S308
            format_html('<span class="was">原为 {}</span>', options["was"]) if options.get("was") else "",
        )


@register.tag
def field(parser, token):
    """One line of a `<dl class="fields">`: `{% field "法定代表人" %}{{ … }}{% endfield %}`.

    Options: `wide=True` spans the row, `changed=True` marks it, `was="…"` tells the former value.
    """
    bits = token.split_contents()[1:]
    label = parser.compile_filter(bits[0])
    options = token_kwargs(bits[1:], parser)
    nodes = parser.parse(("endfield",))
    parser.delete_first_token()
    return _FieldNode(label, options, nodes)
