"""Menu entry of the calendar and the words for what is logged about it."""

ENTRIES = [
    {
        "title": "工作日历",
        "url_name": "calendar-year",
        "icon": "calendar",
        "group": "系统管理",
        "order": 70,
        "roles": ("administrator", "security_administrator", "auditor"),
        "key": "w",
    },
]

AUDIT_KINDS = {"calendar.notice.confirmed": "放假通知生效"}
