"""Refusals of a file, each with its own code and a Chinese text that says what to do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

_MESSAGES = {
    "empty": _("文件里没有数据。请检查是否选错了文件，或数据是否写在了隐藏的工作表里。"),
    "not_sheet": _("这不是表格文件。请上传 Excel（xlsx、xls）或 CSV 文件。"),
    "unsupported": _("暂不能读取这种表格格式。请用 Excel 或 WPS 打开，另存为 xlsx 后再上传。"),
    "html": _("这是网页格式的文件，只是扩展名像表格。请用 Excel 或 WPS 打开，另存为 xlsx 后再上传。"),
    "password": _("文件设有打开密码，系统无法读取。请在 Excel 或 WPS 中取消密码后再上传。"),
    "too_large": _("文件有 %(size)s MB，超过 %(limit)s MB 的上限。请分成几个文件上传。"),
    "zip_bomb": _("文件解压后异常巨大，已拒绝读取。请把数据复制到一个新的表格文件里再上传。"),
    "too_many_rows": _(
        "表格有 %(rows)s 行，超过 %(limit)s 行的上限。请删除末尾的空白行，或分成几个文件上传。"
    ),
    "too_many_columns": _("表格有 %(columns)s 列，超过 %(limit)s 列的上限。请删除右侧多余的列后再上传。"),
    "too_many_cells": _(
        "表格的范围（%(rows)s 行 × %(columns)s 列）过大而内容很少。请删除远处的零散单元格后再上传。"
    ),
    "cell_too_long": _(
        "第 %(row)s 行有一个单元格超过 %(limit)s 个字。请检查引号是否成对，或内容是否粘贴错误。"
    ),
    "broken": _("文件已损坏，无法读取。请用 Excel 或 WPS 打开，另存为新的 xlsx 文件后再上传。"),
    "no_header": _("前 %(rows)s 行里没有找到表头。请使用系统下载的模板，表头应包含：%(names)s。"),
    "many_sheets": _(
        "工作表“%(name)s”以外, 工作表“%(names)s”里也有名单。这里一次只读一张: 请合并到一张工作表, 或分别存成文件上传。"
    ),
    "no_sheet": _("文件里没有名为“%(name)s”的工作表。"),
}


class SheetError(ValueError):
    """A file that is not read. `code` is for programs; `message_zh` (also `str()`) is for the person."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(code)

    @property
    def message_zh(self) -> str:
        """What is wrong and what to do, in Chinese."""
        return str(_MESSAGES[self.code]) % self.params

    def __str__(self) -> str:
        return self.message_zh
