from django.urls import path

from . import views, views_manage, views_standin

app_name = "accounts"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("role/", views.switch_role, name="role"),
    path("session/extend/", views.extend, name="extend"),
    path("me/", views.me, name="me"),
    path("me/password/", views.password, name="password"),
    path("me/sessions/end/", views.session_end, name="session_end"),
    path("me/standin/", views_standin.standin, name="standin"),
    path("me/standin/<int:delegation_id>/end/", views_standin.standin_end, name="standin_end"),
    path("accounts/", views_manage.account_list, name="list"),
    path("accounts/new/", views_manage.account_new, name="new"),
    path("accounts/<int:user_id>/", views_manage.account_page, name="account"),
    path("accounts/<int:user_id>/<slug:what>/", views_manage.account_do, name="do"),
]
