"""Menu entry of the code service."""

ENTRIES = [
    {"title": "代码", "url_name": "codes-index", "icon": "barcode", "group": "档案", "order": 70},
]
