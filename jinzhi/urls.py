"""Root of all addresses: each room's urls.py and api.py is found, none is named here."""

from django.urls import include, path, re_path

from jinzhi.api import api, unknown
from jinzhi.runtime import discovery, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("api/v1/", api.urls),
    re_path(r"^api/", unknown),
    *(path("", include(module.__name__)) for _, module in discovery.declared("urls")),
]

handler400 = "jinzhi.web.errors.bad_request"
handler403 = "jinzhi.web.errors.forbidden"
handler404 = "jinzhi.web.errors.not_found"
handler500 = "jinzhi.web.errors.server_error"
