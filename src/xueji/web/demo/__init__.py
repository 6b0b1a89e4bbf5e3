"""A made-up province to try Xueji with: `build` loads it, `sheet` makes a sheet of new children for a school."""

from .build import DemoAccounts, as_json, build, format_accounts

__all__ = ["DemoAccounts", "as_json", "build", "format_accounts"]
