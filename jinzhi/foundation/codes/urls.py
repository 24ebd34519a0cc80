from django.urls import path

from jinzhi.foundation.codes import views

urlpatterns = [
    path("codes/", views.index, name="codes-index"),
    path("codes/sets/<slug:key>/", views.code_set, name="codes-set"),
    path("codes/sets/<slug:key>/diff/", views.diff, name="codes-diff"),
    path("codes/<slug:key>/", views.scheme, name="codes-scheme"),
]
