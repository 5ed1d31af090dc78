# requires: mako markupsafe
"""Templates with Python in them, compiled into /tmp."""

from mako.lookup import TemplateLookup
from mako.template import Template


def handler(event, context):
    lookup = TemplateLookup(module_directory="/tmp/mako")
    lookup.put_string("base.html", "<b>${self.body()}</b>")
    lookup.put_string("p.html", "<%inherit file='base.html'/>\n% for n in range(3):\n${n * n | h},\n% endfor\n<%def name='f(x)'>[${x}]</%def>${f(name)}")
    return [lookup.get_template("p.html").render(name="<ü>"), Template("${a}${'<' | h}").render(a=1)]
