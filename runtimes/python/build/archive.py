"""What the images of the Python guest have in common: sourceless .pyc files, and zip archives that depend on nothing but
their contents. Run by the native interpreter of the guest's version."""

import importlib._bootstrap_external as external
import importlib.util
import os
import zipfile

MOUNT = "/var/runtime"  # where the host mounts the images
DATE = (1980, 1, 1, 0, 0, 0)


def compiled(path, name):
    """The .pyc of a source file that the guest sees as MOUNT/name. It carries an unchecked hash, so that importing it needs no
    source and no stat of one."""
    with open(path, "rb") as f:
        source = f.read()
    code = compile(source, MOUNT + "/" + name, "exec", dont_inherit=True, optimize=0)
    return external._code_to_hash_pyc(code, importlib.util.source_hash(source), False)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def licences(pairs):
    """Entries from arguments of the form NAME=FILE."""
    for pair in pairs:
        name, _, path = pair.partition("=")
        yield "licences/" + name, read(path)


def write(out, contents, deflated=lambda name: False):
    """Writes entries, name to bytes, sorted and dated alike. Those that aren't deflated can be handed out as slices of the
    archive; deflated ones take less memory as long as nobody reads them."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = 0o100444 << 16
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED if deflated(name) else zipfile.ZIP_STORED
            z.writestr(info, contents[name], compresslevel=9)
    print("{}: {} files, {} bytes".format(out, len(contents), os.path.getsize(out)))
