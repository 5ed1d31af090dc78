# requires: packaging
"""Versions, requirements and markers."""

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version


def handler(event, context):
    r = Requirement("requests[security]>=2.8,<3; python_version < '4'")
    return [r.name, sorted(r.extras), str(r.specifier), r.marker.evaluate({"python_version": "3.9"}), sorted(map(str, map(Version, ["1.10", "1.9", "1.10rc1"])), key=Version), SpecifierSet("~=1.4.2").contains("1.4.9")]
