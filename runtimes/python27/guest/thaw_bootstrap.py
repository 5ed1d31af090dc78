"""The Python half of Thaw's Python 2.7 guest: Lambda's programming model for Python 2.7.

thaw.c calls init once, before the runtime snapshot is taken; restore after every bind of a snapshot; load once per
instance; invoke once per invocation. load and invoke return None or, as a tuple with one str, the error that the caller of
Invoke gets; invoke returns a result as str. Shapes and sentences are those of the guide (chapter "Programming Model
(Python)") and, where it says nothing, of what Lambda's Python 2.7 answered.
"""

import decimal
import gc
import imp
import importlib
import json
import linecache
import logging
import os
import sys
import time
import traceback
import __builtin__

import _thaw

# Lambda's own runtime has imported these before a function's modules are: a file of the same name in a package is not used there.
import collections, errno, re, types, warnings  # noqa: E401,F401

_core = frozenset(sys.modules)

# Imported here so that they are part of the runtime snapshot: what Lambda functions import most.
import abc, argparse, array, ast, base64, binascii, bisect, calendar, codecs, contextlib, copy, csv, cPickle, cStringIO  # noqa: E401,F401
import datetime, difflib, email, email.message, email.parser, email.utils, email.mime.text, email.mime.multipart, encodings.ascii  # noqa: E401,F401
import encodings.base64_codec, encodings.hex_codec, encodings.idna, encodings.latin_1, encodings.raw_unicode_escape  # noqa: E401,F401
import encodings.string_escape, encodings.unicode_escape, encodings.utf_8, fnmatch, fractions, functools, getpass, glob  # noqa: E401,F401
import gzip, hashlib, heapq, hmac, HTMLParser, httplib, inspect, io, itertools, json.decoder, json.encoder, keyword, locale  # noqa: E401,F401
import logging.handlers, math, mimetypes, numbers, operator, pkgutil, platform, posixpath, pprint, Queue, random, select, shlex  # noqa: E401,F401
import shutil, socket, ssl, stat, string, StringIO, struct, tempfile, textwrap, threading, token, tokenize, unicodedata, urllib, urllib2  # noqa: E401,F401
import urlparse, UserDict, uuid, weakref, xml.etree.ElementTree, zipfile, zlib  # noqa: E401,F401

_REQUEST_ID = ""
_PYTHON_SUFFIX = ".py"
_handler = None
_context = None  # what all invocations of this instance share: see load

_LOG_ERROR = 5


class Timeout(BaseException):
    """Raised in the handler shortly before its deadline so that finally blocks and log lines still run.

    It is no Exception, so that `except Exception` does not swallow it."""


# ---- the context object (guide, "The Context Object Attributes (Python)") ----


class CognitoIdentity(object):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(object):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(object):
    __slots__ = ("custom", "env", "client")


def _client_context(text):
    parsed = json.loads(text)
    result = ClientContext()
    result.custom = parsed.get("custom")
    result.env = parsed.get("env")
    result.client = None
    client = parsed.get("client")
    if client:
        result.client = Client()
        for name in Client.__slots__:
            setattr(result.client, name, client.get(name))
    return result


class LambdaContext(object):
    """What a handler gets as its second argument."""

    def __init__(self, request_id, invoked_arn, client_context, identity_id, identity_pool_id, shared):
        self.aws_request_id = request_id
        self.log_group_name = shared.log_group
        self.log_stream_name = shared.log_stream
        self.function_name = shared.function_name
        self.memory_limit_in_mb = shared.memory
        self.function_version = shared.version
        self.invoked_function_arn = invoked_arn
        self.client_context = None if client_context is None else _client_context(client_context)
        if identity_id is None and identity_pool_id is None:
            self.identity = None
        else:
            self.identity = CognitoIdentity()
            self.identity.cognito_identity_id = identity_id
            self.identity.cognito_identity_pool_id = identity_pool_id

    @staticmethod
    def get_remaining_time_in_millis():
        return _thaw.remaining_time()

    def log(self, msg):
        sys.stdout.write(str(msg))


class _Shared(object):
    __slots__ = ("function_name", "version", "memory", "log_group", "log_stream")


# ---- logging (guide, "Logging (Python)") ----


def _utf8(text):
    return text.encode("utf-8") if isinstance(text, unicode) else text  # noqa: F821


class _LogHandler(logging.Handler):
    def emit(self, record):
        try:
            text = _utf8(self.format(record))
        except Exception:
            self.handleError(record)
            return
        sys.stdout.flush()
        _thaw.log(0, text)


class _RequestFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = _REQUEST_ID
        return True


def _log_error(text):
    sys.stdout.flush()
    sys.stderr.flush()
    _thaw.log(_LOG_ERROR, text)


# ---- executors of the package futures, in whichever copy ----


class _FuturesFinder(object):
    """Imports concurrent.futures.thread with an executor that needs no threads: what is submitted runs at once, in the
    caller's place. Results are the same, nothing overlaps."""

    @staticmethod
    def find_module(name, path=None):
        return _FuturesFinder if name == "concurrent.futures.thread" else None

    @staticmethod
    def load_module(name):
        file, path, description = imp.find_module("thread", sys.modules["concurrent.futures"].__path__)
        try:
            module = imp.load_module(name, file, path, description)
        finally:
            if file is not None:
                file.close()
        module.ThreadPoolExecutor.submit = _submit
        return module


def _submit(self, fn, *args, **kwargs):
    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    future = sys.modules["concurrent.futures"].Future()
    future.set_running_or_notify_cancel()
    try:
        future.set_result(fn(*args, **kwargs))
    except Exception:
        future.set_exception_info(*sys.exc_info()[1:])
    return future


# ---- errors ----


def _text(value):
    """What str makes of a value, or something that says as much, as UTF-8."""
    try:
        return str(value)
    except UnicodeError:
        return unicode(value).encode("utf-8")  # noqa: F821
    except Exception as nested:  # a __str__ of the function's own that fails
        return "<exception str() failed: {}>".format(type(nested).__name__)


def _dump(body):
    try:
        return json.dumps(body)
    except UnicodeDecodeError:  # a message or a source line in another encoding than UTF-8
        return json.dumps(body, encoding="latin-1")


def _error(message, kind, frames=(), value=None):
    """Logs an error and returns its JSON."""
    lines = ["{}: {}".format(message, kind)]
    if frames:
        lines.append("Traceback (most recent call last):")
        lines.extend(line.rstrip("\n") for line in traceback.format_list(frames))
        lines.append("{}: {}".format(kind, message) if message else kind)
    _log_error("\n".join(lines))
    body = {"errorMessage": message, "errorType": kind}
    if frames:
        body["stackTrace"] = [list(frame) for frame in frames]
    return (_dump(body),)


_OURS = tuple(f.func_code.co_filename for f in (_error, importlib.import_module))


def _exception(info):
    kind, value, trace = info
    frames = [frame for frame in traceback.extract_tb(trace) if frame[0] not in _OURS]
    return _error(_text(value), kind.__name__, frames)


def _exit(exc):
    """sys.exit ends the process in Lambda, and so it does here."""
    code = exc.code
    if code is None:
        code = 0
    elif not isinstance(code, (int, long)):  # noqa: F821
        sys.stderr.write(_text(code) + "\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


# ---- the four entry points ----


def init(preload):
    """Prepares everything that does not depend on a function; preload names modules of a snapshot of their own."""
    global _preloaded
    root = logging.getLogger()
    handler = _LogHandler()
    formatter = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(_RequestFilter())
    root.addHandler(handler)
    __builtin__.exit = __builtin__.quit = sys.exit  # site is not imported
    # What is allocated lazily at first use becomes part of the snapshot.
    re.compile(r"(?P<a>\w+)\s*=\s*(?P<b>.*)").match("a = b")
    time.strptime("2016", "%Y")
    decimal.Decimal("1.1") + 1
    hashlib.sha256(b"x").hexdigest()
    logging.getLogger("thaw").isEnabledFor(logging.DEBUG)
    warnings.filterwarnings("ignore", "Boto3 will no longer support Python 2.7")  # the built-in one: nobody can do anything about it
    sys.meta_path.append(_FuturesFinder)
    sys.path[0:0] = _PATH
    for name in preload.split():
        importlib.import_module(name)
    _check_reseed()
    _preloaded = _preload_names()
    _rehearse()
    # The snapshot is made without a package and layers: what was looked up in their folders is void.
    sys.path_importer_cache.clear()
    linecache.clearcache()
    re.purge()
    gc.collect()


_PATH = ["/var/task", "/opt/python/lib/python2.7/site-packages", "/opt/python", "/var/runtime"]


def _preload_names():
    """The entries of a package that stand for a module which our snapshot has imported, and Lambda's runtime has not."""
    names = set(name for name in sys.modules if "." not in name and name not in _core and not name.startswith(("_", "thaw_")))
    return frozenset(names | set(name + _PYTHON_SUFFIX for name in names))


_preloaded = frozenset()


def _rehearse():
    """Loads and invokes a function, so that what the first use allocates is in the snapshot."""
    global _handler, _context
    name = "thaw_rehearsal"
    path = "/tmp/" + name + _PYTHON_SUFFIX
    with open(path, "w") as f:
        f.write("import json\nimport os\n\n\ndef handler(event, context):\n    return {'message': 'Hello ' + event['name'], 'n': [1, 2.5, None]}\n")
    environment = {"AWS_LAMBDA_LOG_STREAM_NAME": "s", "PATH": "/bin", "PYTHONPATH": "/var/runtime"}
    sys.path[0] = "/tmp"
    for _ in range(3):
        restore(dict(environment))
        error = load("python2.7", name + ".handler", "/tmp", "f", "$LATEST", "128", "/aws/lambda/f", "s", "arn")
        result = invoke('{"name": "x", "a": [1, 2.5, null, true]}', "id", "arn", None, None, None, None)
        if error or "Hello x" not in result:
            raise AssertionError("rehearsal: {} {}".format(error, result))
        del sys.modules[name]
        sys.path_importer_cache.pop("/tmp", None)
        _context = _handler = None
    sys.path[0] = "/var/task"
    os.remove(path)
    os.environ.data = {}
    os.chdir("/")


def restore(environment):
    """Makes two instances of one snapshot different: environment, randomness, clocks."""
    os.environ.data = environment
    _thaw.reseed(random._inst)
    random._inst.gauss_next = None
    uuid._last_timestamp = uuid._node = None
    tempfile._name_sequence = tempfile.tempdir = None
    if _context is not None:
        _context.log_stream = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")


def _check_reseed():
    """_thaw.reseed writes into an object of another module: is it laid out as expected?"""
    _thaw.reseed(random._inst)
    before = random._inst.getstate()
    state = before[1]
    if len(state) != 625 or state[624] != 624 or len(set(state)) < 600:
        raise AssertionError("random.Random has another layout")
    _thaw.reseed(random._inst)
    if random._inst.getstate() == before or not 0 <= random._inst.random() < 1:
        raise AssertionError("random.Random is not reseeded")


def load(runtime, handler, task_root, function_name, version, memory, log_group, log_stream, function_arn):
    global _handler, _context
    shared = _Shared()
    shared.function_name, shared.version, shared.memory = function_name, version, memory
    shared.log_group, shared.log_stream = log_group, log_stream
    _context = shared
    try:
        os.chdir(task_root)
        names = os.listdir(".")
    except OSError:
        names = []
    extra = [p for p in os.environ.get("PYTHONPATH", "").split(":") if p and p not in sys.path]
    sys.path[1:1] = extra
    try:
        result = _find_handler(handler, task_root, names)
    except SystemExit as exc:
        _exit(exc)
    except:  # noqa: E722: old-style classes can be raised too
        return _exception(sys.exc_info())
    if isinstance(result, tuple):
        return result
    _handler = result[0]
    return None


def _unload(task_root, names):
    """A module of the package wins over one of ours that only our snapshot has imported already."""
    for entry in _preloaded.intersection(names):
        if entry.endswith(_PYTHON_SUFFIX) or os.path.isfile(os.path.join(task_root, entry, "__init__.py")):
            name = entry[: -len(_PYTHON_SUFFIX)] if entry.endswith(_PYTHON_SUFFIX) else entry
            for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
                if not (getattr(sys.modules[loaded], "__file__", None) or "").startswith(task_root + "/"):
                    del sys.modules[loaded]


def _import(name):
    """Imports a module by its dotted name, or by its path below the package's folder ("dir/mod"), as Lambda does."""
    if "/" not in name:
        return importlib.import_module(name)
    folders = name.split("/")[:-1]
    if all(os.path.isfile("/".join(folders[: i + 1]) + "/__init__.py") for i in range(len(folders))):
        return importlib.import_module(name.replace("/", "."))
    file, path, description = imp.find_module(name)
    try:
        return imp.load_module(name, file, path, description)
    finally:
        if file is not None:
            file.close()


def _find_handler(handler, task_root, names):
    """A list with the handler function, or the error as a tuple."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        return _error("Bad handler '{}'".format(handler), "Runtime.MalformedHandlerName")
    if module_name.split(".")[0] in sys.builtin_module_names:
        return _error("Cannot use built-in module {} as a handler module".format(module_name), "Runtime.BuiltInModuleConflict")
    if not _preloaded.isdisjoint(names):
        _unload(task_root, names)
    try:
        module = _import(module_name)
    except ImportError as exc:
        return _error("Unable to import module '{}': {}".format(module_name, _text(exc)), "Runtime.ImportModuleError")
    except SyntaxError as exc:
        where = [(exc.filename, exc.lineno, "<module>", (exc.text or "").strip())]
        return _error("Syntax error in module '{}': {}".format(module_name, _text(exc)), "Runtime.UserCodeSyntaxError", where)
    try:
        return [getattr(module, name)]
    except AttributeError:
        return _error("Handler '{}' missing on module '{}'".format(name, module_name), "Runtime.HandlerNotFound")


def _default(value):
    """What json can't encode: Decimal as a float, as Lambda does; nothing else."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(repr(value) + " is not JSON serializable")


_encode = json.JSONEncoder(default=_default).encode
_decode = json.JSONDecoder().decode


def invoke(event, request_id, invoked_arn, trace_id, client_context, identity_id, identity_pool_id):
    global _REQUEST_ID
    _REQUEST_ID = request_id
    if trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    try:
        try:
            argument = _decode(event)
        except Exception as exc:
            return _error("Unable to parse input as json: {}".format(_text(exc)), "Runtime.UnmarshalError")
        context = LambdaContext(request_id, invoked_arn, client_context, identity_id, identity_pool_id, _context)
        result = _handler(argument, context)
        if result is None:
            return None
        try:
            return _encode(result)
        except Exception as exc:
            return _error("An error occurred during JSON serialization of response: {}".format(_text(exc)), "Runtime.MarshalError")
    except SystemExit as exc:
        _exit(exc)
    except Timeout:
        kind, value, trace = sys.exc_info()
        frames = [frame for frame in traceback.extract_tb(trace) if frame[0] not in _OURS]
        return _error("Task timed out", "Sandbox.Timedout", frames)
    except:  # noqa: E722: old-style classes can be raised too
        return _exception(sys.exc_info())
    finally:
        sys.exc_clear()
