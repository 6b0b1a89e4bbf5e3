from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "xueji.ground.files"
    label = "files"
