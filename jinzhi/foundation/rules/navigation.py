"""Menu entry of the legal parameters."""

ENTRIES = [
    {
        "title": "规则与时限",
        "url_name": "rules-index",
        "icon": "scale",
        "group": "系统管理",
        "order": 80,
        "roles": ("administrator", "security_administrator", "auditor"),
    },
]
