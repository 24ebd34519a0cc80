from django.urls import include, path

from . import views

urlpatterns = [
    path("accounts/", views.account, name="people-account"),
    path("accounts/post/<int:key>/", views.switch_post, name="people-switch-post"),
    path("accounts/delegations/", views.delegations, name="people-delegations"),
    path("accounts/delegations/<int:key>/revoke/", views.revoke_delegation, name="people-revoke-delegation"),
    # Before allauth's own: no mail is sent, so nothing is reset or confirmed by mail.
    path("accounts/password/reset/", views.forgotten, name="people-forgotten"),
    path("accounts/password/reset/<path:rest>", views.forgotten),
    path("accounts/email/", views.not_here),
    path("accounts/confirm-email/", views.not_here),
    path("accounts/confirm-email/<path:rest>", views.not_here),
    path("accounts/password/set/", views.not_here),
    path("accounts/login/code/confirm/", views.not_here),
    path("accounts/", include("allauth.urls")),
    path("demo/", views.demo, name="people-demo"),
    path("demo/enter/<str:username>", views.demo_enter, name="people-demo-enter"),
]
