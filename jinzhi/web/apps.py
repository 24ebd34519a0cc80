from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "jinzhi.web"
    label = "web"
    verbose_name = "界面"
    package_files = {  # address under /static/ -> file under node_modules/
        "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
        "tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
        "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
    }
