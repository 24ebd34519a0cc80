from django.urls import path

from . import agencies, delegations, keys, logs, people, posts, powers, views

urlpatterns = [
    path("", views.home, name="desk-home"),
    path("agencies/", agencies.index, name="desk-agencies"),
    path("agencies/<str:key>/", agencies.detail, name="desk-agency"),
    path("agencies/<str:key>/edit/", agencies.change, name="desk-agency-change"),
    path("agencies/<str:key>/departments/", agencies.add_department, name="desk-department-add"),
    path(
        "agencies/<str:key>/departments/<int:department>/", agencies.change_department, name="desk-department"
    ),
    path("departments/", posts.departments, name="desk-departments"),
    path("people/", people.index, name="desk-people"),
    path("people/new/", people.new, name="desk-person-new"),
    path("people/<int:key>/", people.detail, name="desk-person"),
    path("people/<int:key>/edit/", people.change, name="desk-person-change"),
    path("people/<int:key>/active/", people.set_active, name="desk-person-active"),
    path("people/<int:key>/password/", people.reset_password, name="desk-person-password"),
    path("people/<int:key>/second-factor/", people.reset_second_factor, name="desk-person-second-factor"),
    path("people/<int:key>/unlock/", people.unlock, name="desk-person-unlock"),
    path("people/<int:account>/appoint/", posts.appoint, name="desk-appoint"),
    path("posts/", posts.index, name="desk-posts"),
    path("posts/<int:key>/", powers.post, name="desk-post"),
    path("posts/<int:key>/edit/", posts.change, name="desk-post-change"),
    path("posts/<int:key>/end/", posts.end, name="desk-post-end"),
    path("posts/<int:key>/powers/", powers.grant, name="desk-grant"),
    path("posts/<int:key>/powers/<int:power>/revoke/", powers.revoke, name="desk-revoke"),
    path("powers/", powers.index, name="desk-powers"),
    path("delegations/", delegations.index, name="desk-delegations"),
    path("delegations/<int:key>/revoke/", delegations.revoke, name="desk-delegation-revoke"),
    path("keys/", keys.index, name="desk-keys"),
    path("keys/new/", keys.new, name="desk-key-new"),
    path("keys/<int:key>/revoke/", keys.revoke, name="desk-key-revoke"),
    path("log/", logs.log, name="desk-log"),
    path("log/verify/", logs.verify, name="desk-log-verify"),
    path("log/<int:key>/", logs.entry, name="desk-log-entry"),
    path("signins/", logs.signins, name="desk-signins"),
]
