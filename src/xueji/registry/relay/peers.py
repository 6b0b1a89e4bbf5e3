"""This installation and those that it knows: names, addresses, keys. Addresses are only ever those of this table."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import pairs
from xueji.ground.crypto.errors import KeyMissing
from xueji.ground.crypto.pairs import Public

from .errors import RelayError
from .models import Own, Peer

#: How long a former key of another installation goes on being believed after a new one was announced.
OVERLAP = timedelta(days=30)


def own() -> Own:
    """What this installation is called. Raises `RelayError` before the administrator has set it up."""
    found = Own.objects.filter(pk=1).first()
    if found is None:
        raise RelayError(_("本系统还没有设置跨系统转学。请系统管理员先设置本系统的代号和名称"))
    return found


def card() -> dict[str, Any]:
    """What another installation's administrator needs to enter this one: to be handed over as a file.

    Raises `RelayError`, `KeyMissing`.
    """
    me = own()
    return {
        "about": "xueji relay",
        "code": me.code,
        "name": me.name,
        "url": me.base_url,
        "keys": [k.to_dict() for k in pairs.published()],
    }


def own_fingerprint() -> str:
    """The fingerprint of our keys in use; empty while there are none."""
    try:
        return pairs.fingerprint(pairs.published())
    except KeyMissing:
        return ""


def fingerprint_of(peer: Peer) -> str:
    """The fingerprint of another installation's keys in use."""
    return pairs.fingerprint([Public(**_bare(k)) for k in peer.keys if not k.get("until")])


def signing_key(peer: Peer, key_id: str) -> Public | None:
    """A key by which a peer may have signed: in use, or replaced a short while ago."""
    now = timezone.now().isoformat()
    for k in peer.keys:
        if k["id"] == key_id and k["purpose"] == "sign" and (not k.get("until") or k["until"] > now):
            return Public(**_bare(k))
    return None


def sealing_key(peer: Peer) -> Public:
    """The key for which a body is sealed now. Raises `RelayError`."""
    for k in peer.keys:
        if k["purpose"] == "seal" and not k.get("until"):
            return Public(**_bare(k))
    raise RelayError(_("对方系统没有可用的公钥"))


def read_card(raw: Any) -> tuple[str, str, str, list[dict[str, Any]]]:
    """Code, name, address and keys of a card. Raises `RelayError` in words."""
    try:
        if raw["about"] != "xueji relay":
            raise ValueError
        code, name, url = str(raw["code"]).strip(), str(raw["name"]).strip(), str(raw["url"]).strip()
        keys = [pairs.read_public(k).to_dict() for k in raw["keys"]]
        if {k["purpose"] for k in keys} != {"sign", "seal"} or len(keys) != 2:
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise RelayError(_("这不是对方系统导出的名片文件, 请对方重新导出")) from error
    return check_code(code), check_name(name), check_url(url), keys


def renewed(peer: Peer, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A peer's keys after it announced new ones: the former are believed for a while. Raises ValueError."""
    fresh = [pairs.read_public(k).to_dict() for k in keys]
    if {k["purpose"] for k in fresh} != {"sign", "seal"} or len(fresh) != 2:
        raise ValueError("keys")
    known = {k["id"] for k in fresh}
    until = (timezone.now() + OVERLAP).isoformat()
    older = [k | {"until": k.get("until") or until} for k in peer.keys if k["id"] not in known]
    now = timezone.now().isoformat()
    return [*fresh, *(k for k in older if k["until"] > now)][:10]


def check_code(code: str) -> str:
    """A short code. Raises `RelayError`."""
    if not (2 <= len(code) <= 12 and code.isascii() and code.replace("-", "").isalnum()):
        raise RelayError(_("系统代号应为 2 到 12 位字母、数字或短横线"))
    return code


def check_name(name: str) -> str:
    """A name. Raises `RelayError`."""
    if not 2 <= len(name) <= 100 or not name.isprintable():
        raise RelayError(_("系统名称应为 2 到 100 个字"))
    return name


def check_url(url: str) -> str:
    """An address messages may go to; empty when they go by file only. Plain HTTP is for this machine alone.

    Raises `RelayError`.
    """
    if not url:
        return ""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if (
        len(url) > 200
        or not parts.hostname
        or port == -1
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not url.isascii()
        or any(c.isspace() for c in url)
    ):
        raise RelayError(_("网址的样子不对, 应当像 https://xueji.example.cn"))
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
        raise RelayError(_("网址要以 https:// 开头"))
    return url.rstrip("/")


def check_divisions(raw: list[str]) -> list[str]:
    """Beginnings of division codes. Raises `RelayError`."""
    found = sorted({d.strip() for d in raw if d.strip()})
    if len(found) > 50 or any(not d.isascii() or not d.isdigit() or len(d) not in (2, 4, 6) for d in found):
        raise RelayError(_("行政区划请填 2、4 或 6 位数字, 每个一行"))
    return found


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bare(k: dict[str, Any]) -> dict[str, str]:
    return {x: str(k[x]) for x in ("id", "purpose", "suite", "public")}
