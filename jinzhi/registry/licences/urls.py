from django.urls import path

from jinzhi.registry.licences import views, wallet

urlpatterns = [
    path(".well-known/jinzhi-licence-keys.json", views.published_keys, name="licences-keys"),
    path(".well-known/jinzhi-licence-status.json", views.published_list, name="licences-list"),
    path("verify/offline/", views.offline, name="licences-offline"),
    path("verify/offline/worker.js", views.worker, name="licences-worker"),
    path("my/licences/", wallet.wallet, name="licences-wallet"),
    path("my/licences/<str:number>/", wallet.licence, name="licences-mine"),
    path("my/licences/<str:number>/share/", wallet.share, name="licences-share"),
    path("my/licences/shares/<uuid:key>/revoke/", wallet.revoke, name="licences-share-revoke"),
    path("share/<str:text>/", wallet.shared, name="licences-shared"),
    path("share/<str:text>/<uuid:key>/", wallet.shared_paper, name="licences-shared-paper"),
]
