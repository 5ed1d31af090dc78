"""The group database: the group of the one user."""

import collections

struct_group = collections.namedtuple("struct_group", "gr_name gr_passwd gr_gid gr_mem")
_GROUP = struct_group("sbx_user1051", "x", 990, [])


def getgrgid(id):
    if id != _GROUP.gr_gid:
        raise KeyError("getgrgid(): gid not found: {}".format(id))
    return _GROUP


def getgrnam(name):
    if name != _GROUP.gr_name:
        raise KeyError("getgrnam(): name not found: {!r}".format(name))
    return _GROUP


def getgrall():
    return [_GROUP]
