"""The Python half of Thaw's Python guest: Lambda's programming model for Python 3.

thaw.c calls init once, before the runtime snapshot is taken; restore after every bind of a snapshot; load once per
instance; invoke once per invocation. load and invoke return None or, as bytes, the error that the caller of Invoke gets;
invoke returns a result as str. Shapes and sentences follow AWS's open-source runtime interface client and the guide
(chapter "Programming Model (Python)").
"""

import builtins
import gc
import importlib
import json
import linecache
import logging
import os
import signal
import sys
import time
import traceback

import _thaw

# What AWS's own runtime has imported before a function's modules are: a file of the same name in a package is not used there.
import collections.abc, datetime, decimal, http.client, importlib.util, re, types, warnings  # noqa: E401,F401

_core = frozenset(sys.modules)

# Imported here so that they are part of the runtime snapshot: what Lambda functions import most.
import abc, argparse, array, ast, asyncio, base64, binascii, bisect, calendar, codecs, collections, collections.abc, concurrent.futures  # noqa: E401,F401
import configparser, contextlib, contextvars, copy, csv, dataclasses, datetime, decimal, difflib, email, email.message  # noqa: E401,F401
import email.parser, email.utils, enum, errno, fnmatch, fractions, functools, getpass, glob, gzip, hashlib, heapq, hmac, html  # noqa: E401,F401
import http, http.client, importlib.metadata, importlib.util, inspect, io, ipaddress, itertools, json.decoder, json.encoder  # noqa: E401,F401
import keyword, locale, logging.handlers, math, mimetypes, numbers, operator, pathlib, pickle, pkgutil, platform, posixpath  # noqa: E401,F401
import pprint, queue, random, re, secrets, select, shlex, shutil, socket, stat, statistics, string, struct, tempfile, textwrap  # noqa: E401,F401
import threading, token, tokenize, types, typing, unicodedata, urllib.error, urllib.parse, urllib.request, uuid, warnings  # noqa: E401,F401
import weakref, xml.etree.ElementTree, zipfile, zlib, zoneinfo  # noqa: E401,F401

import thaw_concurrency
import thaw_import
import thaw_posix
from thaw_import import compile_file  # noqa: F401 (thaw.c)

_REQUEST_ID = ""
_PYTHON_SUFFIX = ".py"
_handler = None
_context = None  # what all invocations of this instance share: see load
_legacy_ascii = True  # non-ASCII characters are escaped in results, as before Python 3.12's runtime

_LOG_ERROR = 5


class Timeout(BaseException):
    """Raised in the handler shortly before its deadline so that finally blocks and log lines still run.

    It is no Exception, so that `except Exception` does not swallow it."""


def _on_alarm(signum, frame):
    raise Timeout("Task timed out")


# ---- the context object (guide, "The Context Object Attributes (Python)") ----


class CognitoIdentity:
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __repr__(self):
        return "CognitoIdentity([cognito_identity_id={},cognito_identity_pool_id={}])".format(
            self.cognito_identity_id, self.cognito_identity_pool_id
        )


class Client:
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

    def __repr__(self):
        return "Client([installation_id={},app_title={},app_version_name={},app_version_code={},app_package_name={}])".format(
            self.installation_id, self.app_title, self.app_version_name, self.app_version_code, self.app_package_name
        )


class ClientContext:
    __slots__ = ("custom", "env", "client")

    def __repr__(self):
        return "ClientContext([custom={},env={},client={}])".format(self.custom, self.env, self.client)


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


class LambdaContext:
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

    def __repr__(self):
        return (
            "LambdaContext([aws_request_id={},log_group_name={},log_stream_name={},function_name={},memory_limit_in_mb={},"
            "function_version={},invoked_function_arn={},client_context={},identity={}])"
        ).format(
            self.aws_request_id, self.log_group_name, self.log_stream_name, self.function_name, self.memory_limit_in_mb,
            self.function_version, self.invoked_function_arn, self.client_context, self.identity,
        )  # fmt: skip


class _Shared:
    __slots__ = ("function_name", "version", "memory", "log_group", "log_stream")


# ---- logging (guide, "Logging (Python)") ----


class _LogHandler(logging.Handler):
    def emit(self, record):
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        sys.stdout.flush()
        _thaw.log(0, text.encode("utf-8", "backslashreplace"))


class _RequestFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = _REQUEST_ID
        return True


def _log_error(text):
    sys.stdout.flush()
    sys.stderr.flush()
    _thaw.log(_LOG_ERROR, text.encode("utf-8", "backslashreplace"))


# ---- errors ----


def _error(message, kind, stack, request_id):
    """Logs an error and returns its JSON."""
    lines = ["[ERROR]"]
    if kind:
        lines[0] += " " + kind
    if message:
        lines[0] += (": " if kind else " ") + message
    if stack:
        lines.append("Traceback (most recent call last):")
        lines.extend(frame.rstrip("\n") for frame in stack)
    _log_error("\n".join(lines))
    body = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}
    return json.dumps(body).encode("utf-8", "backslashreplace")


def _user_frames(exc):
    """The formatted frames of a traceback without ours, which come first, and those of the import system."""
    frames = traceback.extract_tb(exc.__traceback__)
    keep = [f for f in frames if f.filename not in _OURS and not f.filename.startswith("<frozen importlib")]
    # As tuples they have no columns: AWS's runtime marks no places within lines either.
    return traceback.format_list([(f.filename, f.lineno, f.name, f.line) for f in keep])


_OURS = (_user_frames.__code__.co_filename, compile_file.__code__.co_filename, importlib.import_module.__code__.co_filename)


def _exception(exc, request_id):
    try:
        message = str(exc)
    except Exception as nested:  # a __str__ of the function's own that fails
        message = "<exception str() failed: {}>".format(type(nested).__name__)
    return _error(message, type(exc).__name__, _user_frames(exc), request_id)


def _exit(exc):
    """sys.exit ends the process in Lambda, and so it does here."""
    code = exc.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


# ---- the four entry points ----


def init(preload):
    """Prepares everything that does not depend on a function; preload names what functions have imported besides."""
    sys.stdout.reconfigure(line_buffering=True)
    root = logging.getLogger()
    handler = _LogHandler()
    formatter = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(_RequestFilter())
    root.addHandler(handler)
    signal.signal(signal.SIGALRM, _on_alarm)
    thaw_concurrency.install()
    thaw_posix.install()
    thaw_import.install()
    builtins.exit = builtins.quit = sys.exit  # site is not imported
    # What is allocated lazily at first use becomes part of the snapshot.
    re.compile(r"(?P<a>\w+)\s*=\s*(?P<b>.*)").match("a = b")
    datetime.datetime.now(datetime.timezone.utc).isoformat()
    decimal.Decimal("1.1") + 1
    hashlib.sha256(b"x").hexdigest()
    logging.getLogger("thaw").isEnabledFor(logging.DEBUG)
    sys.path[0:0] = ["/var/task", "/opt/python/lib/python3.13/site-packages", "/opt/python", "/var/runtime"]
    _check_reseed()
    for name in preload.split():
        importlib.import_module("thaw_preload_" + name).load()
    _rehearse()
    # The snapshot is made without a package and layers: what was looked up in their folders is void.
    for folder in sys.path[:4]:
        sys.path_importer_cache.pop(folder, None)
    thaw_import.forget()
    linecache.clearcache()
    gc.collect()
    gc.freeze()  # a collection does not touch, and so not dirty, the pages of what is in the snapshot


class _Environb(type(os.environ)):
    """os.environb: the same environment as os.environ, whose dictionary is another one after every restore."""

    _data = property(lambda self: os.environ._data, lambda self, value: None)


os.environb = _Environb(None, os.environb.encodekey, os.environb.decodekey, os.environb.encodevalue, os.environb.decodevalue)


def _preload_names():
    """The entries of a package that stand for a module which our snapshot has imported, and AWS's runtime has not."""
    names = {name for name in sys.modules if "." not in name and name not in _core and not name.startswith(("_", "thaw_"))}
    return frozenset(names | {name + _PYTHON_SUFFIX for name in names})


_preloaded = frozenset()


def _rehearse():
    """Loads and invokes a function many times over, as every instance will.

    The interpreter specialises bytecode in place while it runs: what is done here is faster later, and no longer writes to
    pages that instances share."""
    global _handler, _context, _preloaded
    _preloaded = _preload_names()
    name = "thaw_rehearsal"
    path = "/tmp/" + name + ".py"
    with open(path, "w") as f:
        f.write("import json\nimport os\n\n\ndef handler(event, context):\n    return {'message': 'Hello ' + event['name'], 'n': [1, 2.5, None]}\n")
    environment = {b"AWS_LAMBDA_LOG_STREAM_NAME": b"s", b"PATH": b"/bin", b"PYTHONPATH": b"/var/runtime"}
    sys.path[0] = "/tmp"
    for _ in range(40):
        restore(dict(environment))
        load("python3.13", name + ".handler", "/tmp", "f", "$LATEST", "128", "/aws/lambda/f", "s", "arn")
        for _ in range(3):
            invoke('{"name": "x", "a": [1, 2.5, null, true]}', 0, "id", "arn", None, None, None, None)
        del sys.modules[name]
        sys.path_importer_cache.pop("/tmp", None)
        _context = _handler = None
    sys.path[0] = "/var/task"
    os.remove(path)
    os.environ._data = {}
    os.chdir("/")


def restore(environment):
    """Makes two instances of one snapshot different: environment, randomness, clocks."""
    _environ._data = environment
    _reseed(_generator)
    # Written only if need be: a write dirties a page.
    if _generator.gauss_next is not None:
        _generator.gauss_next = None
    if uuid._last_timestamp is not None:
        uuid._last_timestamp = None
    if uuid._node is not None:
        uuid._node = None
    if tempfile._name_sequence is not None:
        tempfile._name_sequence = None
    if tempfile.tempdir is not None:
        tempfile.tempdir = None
    if _context is not None:
        log_stream = environment.get(b"AWS_LAMBDA_LOG_STREAM_NAME")
        _context.log_stream = None if log_stream is None else os.fsdecode(log_stream)


_environ = os.environ
_generator = random._inst  # what the functions of the module random use
_reseed = _thaw.reseed


def _check_reseed():
    """_thaw.reseed writes into an object of another module: is it laid out as expected?"""
    _reseed(_generator)
    state = _generator.getstate()[1]
    if len(state) != 625 or state[624] != 624 or len(set(state)) < 600:
        raise AssertionError("random.Random has another layout")
    before = _generator.getstate()
    _reseed(_generator)
    if _generator.getstate() == before or not 0 <= _generator.random() < 1:
        raise AssertionError("random.Random is not reseeded")


def load(runtime, handler, task_root, function_name, version, memory, log_group, log_stream, function_arn):
    global _handler, _context, _legacy_ascii
    shared = _Shared()
    shared.function_name, shared.version, shared.memory = function_name, version, memory
    shared.log_group, shared.log_stream = log_group, log_stream
    _context = shared
    _legacy_ascii = runtime.startswith("python3.") and int(runtime[8:] or 0) < 12
    try:
        os.chdir(task_root)
        names = os.listdir(".")
    except OSError:
        names = []
    path = _environ._data.get(b"PYTHONPATH")
    if path is not None:
        extra = [p for p in os.fsdecode(path).split(":") if p and p not in sys.path]
        if extra:
            sys.path[1:1] = extra
    try:
        result = _find_handler(handler, task_root, names)
    except SystemExit as exc:
        _exit(exc)
    except BaseException as exc:
        return _exception(exc, "")
    if isinstance(result, bytes):
        return result
    _handler = result
    return None


def _shadowed(name, names):
    """Whether something in a folder might be imported as name before name.py is."""
    return name in names or any(name + suffix in names for suffix in thaw_import.EXTENSION_SUFFIXES)


def _unload(task_root, names):
    """A module of the package wins over one of ours that only our snapshot has imported already."""
    for entry in _preloaded.intersection(names):
        if entry.endswith(_PYTHON_SUFFIX) or os.path.isfile(os.path.join(task_root, entry, "__init__.py")):
            name = entry.removesuffix(_PYTHON_SUFFIX)
            for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
                if not (getattr(sys.modules[loaded], "__file__", None) or "").startswith(task_root + "/"):
                    del sys.modules[loaded]


def _find_handler(handler, task_root, names):
    """The handler function, or the error as bytes."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        message = "Bad handler '{}': not enough values to unpack (expected 2, got 1)".format(handler)
        return _error(message, "Runtime.MalformedHandlerName", [], "")
    module_name = module_name.replace("/", ".")
    if module_name.split(".")[0] in sys.builtin_module_names:
        return _error("Cannot use built-in module {} as a handler module".format(module_name), "Runtime.BuiltInModuleConflict", [], "")
    if not _preloaded.isdisjoint(names):
        _unload(task_root, names)
    try:
        loaded = sys.modules.get(module_name)
        if loaded is None and module_name + _PYTHON_SUFFIX in names and "__pycache__" not in names and not _shadowed(module_name, names):
            module = thaw_import.load_file(module_name, task_root + "/" + module_name + _PYTHON_SUFFIX)
        else:
            module = importlib.import_module(module_name)
    except ImportError as exc:
        return _error("Unable to import module '{}': {}".format(module_name, exc), "Runtime.ImportModuleError", [], "")
    except SyntaxError as exc:
        where = ['  File "{}" Line {}\n    {}'.format(exc.filename, exc.lineno, exc.text)]
        return _error("Syntax error in module '{}': {}".format(module_name, exc), "Runtime.UserCodeSyntaxError", where, "")
    try:
        return getattr(module, name)
    except AttributeError:
        return _error("Handler '{}' missing on module '{}'".format(name, module_name), "Runtime.HandlerNotFound", [], "")


def _default(value):
    """What json can't encode: Decimal as a number, as AWS's runtime does; nothing else."""
    if isinstance(value, decimal.Decimal):
        if value.is_finite() and value == value.to_integral_value():
            return int(value)
        return float(value)
    raise TypeError("Object of type {} is not JSON serializable".format(type(value).__name__))


_encode = json.JSONEncoder(ensure_ascii=False, default=_default).encode
_encode_ascii = json.JSONEncoder(default=_default).encode
_decode = json.JSONDecoder().decode


def invoke(event, deadline, request_id, invoked_arn, trace_id, client_context, identity_id, identity_pool_id):
    global _REQUEST_ID
    _REQUEST_ID = request_id
    if trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    try:
        try:
            argument = _decode(event)
        except Exception as exc:
            return _error("Unable to unmarshal input: {}".format(exc), "Runtime.UnmarshalError", [], request_id)
        context = LambdaContext(request_id, invoked_arn, client_context, identity_id, identity_pool_id, _context)
        result = _handler(argument, context)
        if result is None:
            return None
        try:
            text = (_encode_ascii if _legacy_ascii else _encode)(result)
            text.encode()  # a lone surrogate has no UTF-8
            return text
        except UnicodeEncodeError:
            return _encode_ascii(result)
        except Exception as exc:
            return _error("Unable to marshal response: {}".format(exc), "Runtime.MarshalError", [], request_id)
    except SystemExit as exc:
        _exit(exc)
    except BaseException as exc:
        if isinstance(exc, Timeout):
            return _error("Task timed out", "Sandbox.Timedout", _user_frames(exc), request_id)
        return _exception(exc, request_id)
