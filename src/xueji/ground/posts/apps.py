"""The posts room as a Django app."""

from django.apps import AppConfig


class PostsConfig(AppConfig):
    """Who does the work of a school."""

    name = "xueji.ground.posts"
    label = "posts"
