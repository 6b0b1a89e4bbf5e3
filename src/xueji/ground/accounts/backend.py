"""How Django finds the account of a session. Signing in itself is `commands.sign_in`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from .models import User


class Backend(BaseBackend):
    """Loads accounts by id; it authenticates nobody by itself."""

    def authenticate(self, request: Any, **credentials: Any) -> None:
        return None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
