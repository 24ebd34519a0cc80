from django.urls import path

from jinzhi.registry import import_views, public_views, views

urlpatterns = [
    path("enterprises/", public_views.search, name="registry-search"),
    path("enterprises/<str:code>", public_views.archive, name="registry-archive"),
    path("verify/", public_views.verify, name="registry-verify"),
    path("verify/<str:number>", public_views.certificate, name="registry-certificate"),
    path("registry/enterprises/", views.enterprises, name="registry-enterprises"),
    path("registry/enterprises/<uuid:key>/", views.enterprise, name="registry-enterprise"),
    path("registry/certificates/", views.certificates, name="registry-certificates"),
    path("registry/import/", import_views.imports, name="registry-import"),
    path("registry/import/template/<str:kind>.csv", import_views.template, name="registry-import-template"),
    path("registry/import/<uuid:key>/", import_views.batch, name="registry-import-batch"),
    path("registry/import/<uuid:key>/rows.csv", import_views.refused_rows, name="registry-import-rows"),
]
