"""Packs folders and files into one zip image, the same bytes for the same contents.

usage: image.py OUT.zip PLACE=PATH...    (PATH is a folder or a file)

The archive is stored, not deflated, so that the host can hand out slices of it; the whole is compressed with zstd for
shipping.
"""

import os
import sys
import zipfile

DATE = (1980, 1, 1, 0, 0, 0)


def files(place, path):
    if os.path.isfile(path):
        yield place, path
        return
    for base, dirs, names in os.walk(path):
        for name in names:
            file = os.path.join(base, name)
            yield place + "/" + os.path.relpath(file, path), file


def main(out, *pairs):
    contents = {}
    for pair in pairs:
        place, _, path = pair.partition("=")
        contents.update(files(place, path))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = 0o100444 << 16
            info.create_system = 3
            with open(contents[name], "rb") as f:
                z.writestr(info, f.read())
    print("{}: {} files, {} bytes".format(out, len(contents), os.path.getsize(out)))


main(*sys.argv[1:])
