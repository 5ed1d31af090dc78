# requires: rich pygments markdown_it_py mdurl
"""Tables, Markdown and highlighted code as text."""

import io
from rich.console import Console
from rich.markdown import Markdown
from rich.syntax import Syntax
from rich.table import Table


def handler(event, context):
    console = Console(file=io.StringIO(), width=40, force_terminal=True, color_system="truecolor", _environ={})
    table = Table("n", "value", title="T")
    table.add_row("[b]a[/b]", "ü")
    console.print(table)
    console.print(Markdown("# H\n\n- *x*\n"))
    console.print(Syntax("def f(x): return x", "python"))
    return console.file.getvalue()
