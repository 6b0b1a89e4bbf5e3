"""What can be done about files with data of many children (未成年人网络保护条例 36; 数据导出使用管理规则; C-EXP)."""

from .asking import KEYS, ask, in_words
from .deciding import consent, decide, end, review
from .making import make, run_backend
from .ruling import close_county, open_county, set_rule
from .settling import acknowledge, settle

__all__ = [
    "KEYS",
    "acknowledge",
    "ask",
    "close_county",
    "consent",
    "decide",
    "end",
    "in_words",
    "make",
    "open_county",
    "review",
    "run_backend",
    "set_rule",
    "settle",
]
