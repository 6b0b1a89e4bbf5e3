from django.urls import path

from . import views, views_factor, views_manage, views_sso, views_standin

app_name = "accounts"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("role/", views.switch_role, name="role"),
    path("session/extend/", views.extend, name="extend"),
    path("me/", views.me, name="me"),
    path("me/password/", views.password, name="password"),
    path("me/sessions/end/", views.session_end, name="session_end"),
    path("login/passkey/options/", views_factor.sign_in_options, name="passkey_options"),
    path("login/passkey/", views_factor.sign_in, name="passkey"),
    path("login/<slug:code>/start/", views_sso.start, name="sso"),
    path("login/<slug:code>/back/", views_sso.back, name="sso_back"),
    path("me/sso/<slug:code>/end/", views_sso.unbind, name="sso_unbind"),
    path("me/factor/", views_factor.page, name="factor"),
    path("me/factor/app/", views_factor.app_new, name="factor_app"),
    path("me/factor/codes/", views_factor.codes, name="factor_codes"),
    path("me/factor/passkey/options/", views_factor.passkey_options, name="factor_options"),
    path("me/factor/passkey/", views_factor.passkey_register, name="factor_passkey"),
    path("me/factor/passkey/prove/", views_factor.passkey_prove, name="factor_prove"),
    path("me/factor/<uuid:factor_id>/remove/", views_factor.remove, name="factor_remove"),
    path("me/standin/", views_standin.standin, name="standin"),
    path("me/standin/<int:delegation_id>/end/", views_standin.standin_end, name="standin_end"),
    path("accounts/", views_manage.account_list, name="list"),
    path("accounts/new/", views_manage.account_new, name="new"),
    path("accounts/batch/", views_manage.account_batch, name="batch"),
    path("accounts/factor/", views_factor.rules, name="factor_rules"),
    path("accounts/factor/set/", views_factor.rule_set, name="factor_rule_set"),
    path("accounts/<int:user_id>/", views_manage.account_page, name="account"),
    path("accounts/<int:user_id>/<slug:what>/", views_manage.account_do, name="do"),
]
