"""Xueji 学籍: an electronic student-record system."""

__version__ = "0.1.0"
