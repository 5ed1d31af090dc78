# requires: tabulate
"""Tables in several forms."""

from tabulate import tabulate


def handler(event, context):
    rows = [["ada", 36.5, None], ["ünï", -1, "x"]]
    return [tabulate(rows, headers=["n", "v", "t"], tablefmt=f, floatfmt=".2f") for f in ("github", "grid", "html", "tsv")]
