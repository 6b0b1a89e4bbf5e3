from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "xueji.ground.accounts"
    label = "accounts"
