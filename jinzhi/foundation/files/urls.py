from django.urls import path

from jinzhi.foundation.files import views

urlpatterns = [
    path("files/<uuid:key>/", views.attachment, name="files-attachment"),
    path("files/documents/<uuid:key>/", views.document, name="files-document"),
]
