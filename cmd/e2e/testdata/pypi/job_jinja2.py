# requires: jinja2 markupsafe
"""Templates with inheritance, filters, macros and a sandbox."""

import jinja2
from jinja2.sandbox import SandboxedEnvironment

TEMPLATES = {
    "base": "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}",
    "page": "{% extends 'base' %}{% macro li(x) %}<li>{{ x }}</li>{% endmacro %}{% block title %}{{ name|e }}{% endblock %}"
    "{% block body %}<ul>{% for n in items if n % 2 %}{{ li(n ** 2) }}{% else %}none{% endfor %}</ul>{{ items|sum }} {{ when|default('never') }}{% endblock %}",
}


def handler(event, context):
    env = jinja2.Environment(loader=jinja2.DictLoader(TEMPLATES), autoescape=True)
    page = env.get_template("page").render(name="<Ünï>", items=range(6))
    try:
        SandboxedEnvironment().from_string("{{ x.__class__.__mro__ }}").render(x=1)
        refused = None
    except jinja2.exceptions.SecurityError as exc:
        refused = str(exc)
    try:
        env.from_string("{% if %}")
        syntax = None
    except jinja2.TemplateSyntaxError as exc:
        syntax = [exc.lineno, exc.message]
    return [page, refused, syntax]
