"""Packs the built-in library into the archive that the host mounts at /var/runtime: entries are stored, for the whole archive is
compressed, and sorted and dated alike, so that equal inputs give equal bytes.

usage: image.py ARCHIVE PREFIX FOLDER [NAME=LICENCE-FILE...]
"""

import os
import sys
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)


def add(archive, name, data):
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    archive.writestr(info, data)


def main():
    target, prefix, folder, *licences = sys.argv[1:]
    files = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            files[prefix + "/" + os.path.relpath(path, folder).replace(os.sep, "/")] = path
    for pair in licences:
        name, path = pair.split("=", 1)
        files["licences/" + name] = path
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            with open(files[name], "rb") as f:
                add(archive, name, f.read())


main()
