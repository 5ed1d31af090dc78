"""Chooses what of the AWS SDKs goes into the runtime's image, from a node_modules folder that npm made: the code for Node.js, the
service models, the licences. Writes the list of what is to be compiled for pack, and copies the rest.

usage: aws.py NODE_MODULES TARGET-FOLDER LIST
"""

import json
import os
import shutil
import sys

SKIPPED = {"dist-es", "dist-types", "test", "tests", "__tests__", "docs", "doc", "dist-src", "esm-browser", "umd", "es2015", "bin", "scripts", "ts3.4", "dist-browser"}
ARGUMENTS = "exports, require, module, __filename, __dirname"


def is_module(folder, root):
    while folder.startswith(root):
        name = os.path.join(folder, "package.json")
        if os.path.exists(name):
            with open(name) as f:
                return json.load(f).get("type") == "module"
        folder = os.path.dirname(folder)
    return False


def wanted(rel):
    parts = rel.split(os.sep)
    name = parts[-1]
    if any(p in SKIPPED for p in parts[:-1]) or name.startswith(".") or ".native." in name or ".browser." in name:
        return False
    if parts[0] == "aws-sdk":
        if parts[1] == "apis":
            return name.endswith((".min.json", ".paginators.json", ".waiters2.json", "metadata.json")) or name == "metadata.json"
        if parts[1] not in ("lib", "clients", "apis", "vendor", "global.js", "package.json", "LICENSE.txt", "NOTICE.txt"):
            return False
    return name.endswith((".js", ".cjs", ".mjs", ".json")) or name.upper().startswith(("LICENSE", "LICENCE", "NOTICE"))


def main():
    root, target, listing = sys.argv[1:]
    lines = []
    for base, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(base, name)
            rel = os.path.relpath(path, root)
            if not wanted(rel):
                continue
            to = os.path.join(target, rel)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            if name.endswith(".cjs") or name.endswith(".js") and not is_module(base, root):
                # An empty file to be found; the code beside it.
                open(to, "w").close()
                lines.append(f"{rel}c\t{ARGUMENTS}\t{path}\t/var/runtime/node_modules/{rel}")
            else:
                shutil.copyfile(path, to)
    with open(listing, "w") as f:
        f.write("\n".join(lines) + "\n")


main()
