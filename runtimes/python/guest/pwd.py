"""The user database: one user, like a Lambda sandbox's."""

import collections

struct_passwd = collections.namedtuple("struct_passwd", "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell")
_USER = struct_passwd("sbx_user1051", "x", 993, 990, "", "/home/sbx_user1051", "/sbin/nologin")


def getpwuid(uid):
    if uid != _USER.pw_uid:
        raise KeyError("getpwuid(): uid not found: {}".format(uid))
    return _USER


def getpwnam(name):
    if name != _USER.pw_name:
        raise KeyError("getpwnam(): name not found: {!r}".format(name))
    return _USER


def getpwall():
    return [_USER]
