from django.urls import path

from . import views

urlpatterns = [
    path("accounts/", views.account, name="people-account"),
    path("accounts/post/<int:key>/", views.switch_post, name="people-switch-post"),
    path("accounts/delegations/", views.delegations, name="people-delegations"),
    path("accounts/delegations/<int:key>/revoke/", views.revoke_delegation, name="people-revoke-delegation"),
    path("demo/", views.demo, name="people-demo"),
    path("demo/enter/<str:username>", views.demo_enter, name="people-demo-enter"),
]
