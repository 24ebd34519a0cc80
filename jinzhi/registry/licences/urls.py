from django.urls import path

from jinzhi.registry.licences import views

urlpatterns = [
    path(".well-known/jinzhi-licence-keys.json", views.published_keys, name="licences-keys"),
    path(".well-known/jinzhi-licence-status.json", views.published_list, name="licences-list"),
    path("verify/offline/", views.offline, name="licences-offline"),
    path("verify/offline/worker.js", views.worker, name="licences-worker"),
]
