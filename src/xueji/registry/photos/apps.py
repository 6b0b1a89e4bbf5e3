from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "xueji.registry.photos"
    label = "photos"
