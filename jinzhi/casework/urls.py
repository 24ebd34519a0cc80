from django.urls import path

from jinzhi.casework import views

urlpatterns = [
    path("work/", views.home, name="work-home"),
    path("work/todo/", views.lists, {"tab": "todo"}, name="work-todo"),
    path("work/done/", views.lists, {"tab": "done"}, name="work-done"),
    path("work/copies/", views.lists, {"tab": "copies"}, name="work-copies"),
    path("work/started/", views.lists, {"tab": "started"}, name="work-started"),
    path("work/cases/<str:number>/", views.case, name="work-case"),
    path("work/cases/<str:number>/act/", views.act, name="work-act"),
    path("work/cases/<str:number>/<int:step_id>/", views.step_page, name="work-step"),
    path("work/cases/<str:number>/<int:step_id>/save/", views.step_save, name="work-step-save"),
    path("work/cases/<str:number>/<int:step_id>/upload/", views.step_upload, name="work-step-upload"),
    path("work/board/", views.overview, name="work-board"),
    path("work/board/<str:code>/", views.overview, name="work-board-place"),
    path("desk/procedures/", views.procedures, name="work-procedures"),
    path("desk/procedures/<slug:key>/<int:version>/", views.procedure, name="work-procedure"),
]
