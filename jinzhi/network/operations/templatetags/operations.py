"""Words and records of the pages of running the network."""

from datetime import datetime

from django import template
from django.utils.html import format_html

from jinzhi.network.operations import moments, nodes, recording, watching
from jinzhi.network.operations.casework_hooks import LEVEL_NAMES
from jinzhi.web.templatetags.jinzhi import lamp

register = template.Library()
PRIORITIES = {
    "P1": ("red", "■", "一级"), "P2": ("orange", "◆", "二级"), "P3": ("yellow", "▲", "三级"), "P4": ("grey", "‖", "四级"),
}  # fmt: skip
RISKS = {"low": "低", "middle": "中", "high": "高"}

register.filter("node_name", nodes.name)


@register.simple_tag
def records(case) -> list:
    """The records made at the steps of the case, as (name of the step, sections)."""
    return recording.shown(case)


@register.simple_tag
def priority(key):
    """A priority with its shape, colour and word."""
    colour, shape, word = PRIORITIES.get(key, PRIORITIES["P4"])
    return format_html(
        '<span class="lamp lamp-{}"><span class="lamp-shape" aria-hidden="true">{}</span>{} {}</span>',
        colour, shape, key or "—", word,
    )  # fmt: skip


@register.simple_tag
def backup_age(health):
    """How old a node's last backup is, with a lamp where that is too old."""
    kept, hours = health.get("backup"), health.get("backup_hours")
    if kept == "none":
        return lamp("yellow", "没有备份")
    if kept == "elsewhere":
        return "外部数据库"
    if not isinstance(hours, int | float):
        return "—"
    word = f"{lasted(hours * 3600)}前"
    if hours > watching.limit("backup"):
        return lamp("red" if hours > watching.limit("backup_urgent") else "yellow", word)
    return word


@register.simple_tag
def restore_drill(health):
    """When the node's restore was last tried, and with what success."""
    if not health.get("drill_at"):
        return "没有演练"
    return lamp(
        *(("green", "通过") if health.get("drill_passed") else ("red", "未通过")),
        title=moment(health["drill_at"]),
    )


@register.filter
def moment(text) -> str:
    """An ISO moment of a case's facts as tables write it."""
    try:
        return moments.shown(datetime.fromisoformat(str(text)))
    except ValueError:
        return ""


@register.filter
def level_name(level) -> str:
    return LEVEL_NAMES.get(level, level)


@register.filter
def risk_name(risk) -> str:
    return RISKS.get(risk, risk)


@register.filter
def lasted(seconds) -> str:
    """A duration in words: 3 分 20 秒, 2 小时 5 分, 4 天."""
    if seconds in (None, ""):
        return "—"
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds} 秒"
    if seconds < 3600:
        return f"{seconds // 60} 分 {seconds % 60} 秒"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} 小时 {seconds % 3600 // 60} 分"
    return f"{seconds // 86400} 天"


@register.filter
def alarm_title(kind) -> str:
    return watching.title(kind)


EVENTS = {
    "init": "建立省中心", "join": "入网", "left": "离网", "readmitted": "恢复入网", "lost": "心跳中断", "returned": "心跳恢复",
    "offline": "与省中心中断", "online": "与省中心恢复",
    "diverged": "编号不一致", "healed": "修复一致", "renewed": "更换证书", "upgraded": "软件升级", "escalated": "告警升级",
}  # fmt: skip


@register.filter
def event_title(kind) -> str:
    return EVENTS.get(kind, kind)


@register.filter
def gigabytes(megabytes) -> str:
    value = float(megabytes)
    return f"{value / 1000:.1f} GB" if value >= 1000 else f"{value:.0f} MB"


@register.filter
def span(outage) -> str:
    """How long an outage lasted."""
    return lasted((outage.ends - outage.starts).total_seconds())
