"""A made-up province to try Xueji with: `build` loads it, `sheet` makes a sheet of new children for a school."""

from .build import build
from .report import DemoAccounts, DemoChild, DemoSchool, as_json, format_accounts
from .sheet import Fault, Sheet, sheet

__all__ = [
    "DemoAccounts",
    "DemoChild",
    "DemoSchool",
    "Fault",
    "Sheet",
    "as_json",
    "build",
    "format_accounts",
    "sheet",
]
