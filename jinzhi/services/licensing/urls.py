from django.urls import path

from jinzhi.services.licensing import drafting, ex_officio, registration, views

urlpatterns = [
    path("register/", registration.register, name="licensing-register"),
    path("my/", views.my, name="my-home"),
    path("apply/<slug:slug>/", drafting.start, name="licensing-start"),
    path("my/drafts/<uuid:key>/", drafting.draft, name="licensing-draft"),
    path("my/drafts/<uuid:key>/save/", drafting.save, name="licensing-draft-save"),
    path("my/drafts/<uuid:key>/upload/", drafting.upload, name="licensing-draft-upload"),
    path("my/drafts/<uuid:key>/files/<uuid:file>/remove/", drafting.remove, name="licensing-draft-remove"),
    path("my/drafts/<uuid:key>/discard/", drafting.discard, name="licensing-draft-discard"),
    path("my/cases/<str:number>/", views.case, name="licensing-case"),
    path("my/cases/<str:number>/answer/", views.answer, name="licensing-answer"),
    path("my/cases/<str:number>/steps/<int:step_id>/", views.record, name="licensing-record"),
    path("my/cases/<str:number>/upload/", views.answer_upload, name="licensing-answer-upload"),
    path("my/cases/<str:number>/act/", views.act, name="licensing-act"),
    path("office/ex-officio/", ex_officio.index, name="licensing-ex-officio"),
    path("office/ex-officio/upload/", ex_officio.upload, name="licensing-ex-officio-upload"),
    path(
        "office/ex-officio/files/<uuid:file>/remove/", ex_officio.remove, name="licensing-ex-officio-remove"
    ),
    path("office/ex-officio/<slug:key>/", ex_officio.begin, name="licensing-ex-officio-begin"),
]
