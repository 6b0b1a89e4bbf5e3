"""Spreadsheets in and out: primitives that know cells and files, but no students and no database."""
