"""Compiles the standard library to sourceless .pyc files; run by the native Python 2.7.

usage: compile.py OUT ROOT FOLDER...    (ROOT is where the files will lie in the sandbox)

A later folder's file replaces an earlier one's. Only builtin modules are used: the native interpreter has no others.
"""

import marshal
import os
import sys

SKIP_DIRS = {"test", "tests", "idlelib", "lib-tk", "lib2to3", "ensurepip", "pydoc_data", "curses", "bsddb", "msilib", "ctypes", "plat-mac", "lib-old"}
SKIP_FILES = {"antigravity.py", "this.py", "__phello__.foo.py"}
KEEP_DATA = (".txt", ".pem", ".json", ".cfg")
MAGIC = "\x03\xf3\r\n"  # of Python 2.7
DATE = "\0\0\0\0"


def sources(folder):
    for base, dirs, files in os.walk(folder):
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS and not d.startswith("plat-"))
        for name in sorted(files):
            path = os.path.join(base, name)
            if name not in SKIP_FILES and (name.endswith(".py") or name.endswith(KEEP_DATA) and base != folder):
                yield path[len(folder) + 1 :], path


def main(out, root, *folders):
    found = {}
    for folder in folders:
        found.update(sources(folder))
    for relative in sorted(found):
        with open(found[relative], "rb") as f:
            data = f.read()
        if relative.endswith(".py"):
            source = data.replace("\r\n", "\n") + "\n"
            data = MAGIC + DATE + marshal.dumps(compile(source, root + "/" + relative, "exec", 0, 1))
            relative += "c"
        target = os.path.join(out, relative)
        if not os.path.isdir(os.path.dirname(target)):
            os.makedirs(os.path.dirname(target))
        with open(target, "wb") as f:
            f.write(data)


main(*sys.argv[1:])
