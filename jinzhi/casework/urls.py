from django.urls import path

from jinzhi.casework import urls_procedures, views, views_bulk, views_dossier

urlpatterns = [
    path("office/", views.home, name="work-home"),
    path("office/todo/", views.lists, {"tab": "todo"}, name="work-todo"),
    path("office/done/", views.lists, {"tab": "done"}, name="work-done"),
    path("office/copies/", views.lists, {"tab": "copies"}, name="work-copies"),
    path("office/started/", views.lists, {"tab": "started"}, name="work-started"),
    path("office/toread/", views.lists, {"tab": "toread"}, name="work-toread"),
    path("office/bulk/", views_bulk.start, name="work-bulk-start"),
    path("office/bulk/<int:key>/", views_bulk.show, name="work-bulk"),
    path("office/bulk/<int:key>/change/", views_bulk.change, name="work-bulk-change"),
    path("office/cases/<str:number>/", views.case, name="work-case"),
    path("office/cases/<str:number>/act/", views.act, name="work-act"),
    path("office/cases/<str:number>/<int:step_id>/", views.step_page, name="work-step"),
    path("office/cases/<str:number>/<int:step_id>/save/", views.step_save, name="work-step-save"),
    path("office/cases/<str:number>/<int:step_id>/upload/", views.step_upload, name="work-step-upload"),
    path("office/cases/<str:number>/dossier/", views_dossier.page, name="work-dossier"),
    path("office/board/", views.overview, name="work-board"),
    path("office/board/<str:code>/", views.overview, name="work-board-place"),
    *urls_procedures.urlpatterns,
]
