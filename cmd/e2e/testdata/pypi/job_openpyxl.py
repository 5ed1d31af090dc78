# requires: openpyxl et_xmlfile
"""Writes and reads a spreadsheet."""

import io
import openpyxl
from openpyxl.styles import Font


def handler(event, context):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["name", "n"])
    sheet.append(["ü", 2.5])
    sheet["C2"] = "=B2*2"
    sheet["A1"].font = Font(bold=True)
    file = io.BytesIO()
    book.save(file)
    again = openpyxl.load_workbook(io.BytesIO(file.getvalue())).active
    return [[[c.value for c in row] for row in again.iter_rows()], again["A1"].font.b, again.dimensions]
