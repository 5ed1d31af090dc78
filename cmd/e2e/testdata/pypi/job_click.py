# requires: click
"""A command line, run by its own runner."""

import click
from click.testing import CliRunner


@click.group()
@click.option("--level", type=click.Choice(["low", "high"]), default="low", envvar="LEVEL")
@click.pass_context
def cli(ctx, level):
    ctx.obj = level


@cli.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--times", "-t", default=1, show_default=True, help="How often.")
@click.pass_obj
def add(level, numbers, times):
    """Adds NUMBERS."""
    for _ in range(times):
        click.echo(f"{level} {sum(numbers)}")


def handler(event, context):
    run = CliRunner().invoke
    results = [run(cli, a, env=e) for a, e in ((["add", "1", "2", "-t", "2"], {"LEVEL": "high"}), (["add", "x"], None), (["add", "--help"], None))]
    return [[r.exit_code, r.output] for r in results]
