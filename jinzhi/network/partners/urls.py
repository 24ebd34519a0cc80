from django.urls import path

from jinzhi.network.partners import views, views_delta

urlpatterns = [
    path("partners/", views.index, name="partners-index"),
    path("partners/new/", views.new, name="partners-new"),
    path("partners/batches/", views.batches, name="partners-batches"),
    path("partners/batches/<uuid:key>/", views.batch, name="partners-batch"),
    path("partners/delta/", views_delta.index, name="partners-delta"),
    path("partners/delta/check/", views_delta.check, name="partners-recognition"),
    path("partners/<str:code>/", views.partner, name="partners-partner"),
    path("partners/<str:code>/change/", views.change, name="partners-change"),
    path("partners/<str:code>/key/", views.add_key, name="partners-key"),
    path("partners/<str:code>/key/<uuid:key>/revoke/", views.revoke, name="partners-key-revoke"),
    path("partners/<str:code>/deliver/", views.let_deliver, name="partners-deliver"),
    path("partners/<str:code>/on/", views.switch_on, name="partners-on"),
    path("partners/<str:code>/off/", views.switch_off, name="partners-off"),
]
