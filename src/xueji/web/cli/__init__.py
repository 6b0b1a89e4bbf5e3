"""The command `xueji`: argparse words here, work in the rooms."""

from .main import main

__all__ = ["main"]
