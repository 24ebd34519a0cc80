from django.urls import path

from jinzhi.registry import archive_views, import_views, public_views, views

urlpatterns = [
    path("enterprises/", public_views.search, name="registry-search"),
    path("enterprises/<str:code>", public_views.archive, name="registry-archive"),
    path("verify/", public_views.verify, name="registry-verify"),
    path("verify/<str:number>", public_views.certificate, name="registry-certificate"),
    path("registry/enterprises/", views.enterprises, name="registry-enterprises"),
    path("registry/enterprises/<uuid:key>/", views.enterprise, name="registry-enterprise"),
    path("registry/enterprises/<uuid:key>/correct/", archive_views.correct, name="registry-correct"),
    path("registry/facts/<int:fact>/settle/", archive_views.settle, name="registry-settle"),
    path("registry/duplicates/", archive_views.duplicates, name="registry-duplicates"),
    path("registry/duplicates/<uuid:key>/", archive_views.duplicate, name="registry-duplicate"),
    path("registry/merges/<uuid:log>/undo/", archive_views.unmerge, name="registry-unmerge"),
    path("registry/corrections/", archive_views.requests, name="registry-corrections"),
    path("registry/corrections/<uuid:key>/answer/", archive_views.answer, name="registry-answer"),
    path("my/archive/", archive_views.mine, name="my-archive"),
    path("registry/certificates/", views.certificates, name="registry-certificates"),
    path("registry/import/", import_views.imports, name="registry-import"),
    path("registry/import/template/<str:kind>.csv", import_views.template, name="registry-import-template"),
    path("registry/import/<uuid:key>/", import_views.batch, name="registry-import-batch"),
    path("registry/import/<uuid:key>/progress", import_views.progress, name="registry-import-progress"),
    path("registry/import/<uuid:key>/act/<str:act>", import_views.act, name="registry-import-act"),
    path("registry/import/<uuid:key>/rows.csv", import_views.refused_rows, name="registry-import-rows"),
]
