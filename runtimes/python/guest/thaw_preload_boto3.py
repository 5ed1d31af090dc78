"""The preload "boto3": the SDK imported, and what creating a client reads and computes kept for every session to come.

Nothing here knows a region, credentials or an environment: clients are made with made-up ones and dropped. What stays are
caches of data that only depend on the SDK's own files: service models, parsed endpoint rules, lists of services.
"""

import importlib
import os

SERVICES = ("s3", "dynamodb", "sqs", "sns", "lambda", "sts")
RESOURCES = ("s3", "dynamodb", "sqs", "sns")
MODULES = (
    "boto3.dynamodb.conditions", "boto3.dynamodb.table", "boto3.dynamodb.transform", "boto3.dynamodb.types", "boto3.s3.inject", "boto3.s3.transfer",
    "botocore.auth", "botocore.config", "botocore.crt", "botocore.exceptions", "botocore.httpsession", "botocore.response", "botocore.stub",
    "s3transfer.manager", "s3transfer.download", "s3transfer.upload", "s3transfer.copies", "s3transfer.delete", "ssl",
)  # fmt: skip


def load():
    import boto3.session
    import botocore.client
    import botocore.credentials
    import botocore.endpoint_provider
    import botocore.hooks
    import botocore.loaders
    import botocore.session

    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:  # optional parts of the SDK
            pass
    _share_loader_caches(botocore.loaders.Loader)
    _share_rulesets(botocore.endpoint_provider)
    _share_methods(botocore.client.ClientCreator)
    _share_events(botocore.hooks)
    session = _rehearse(boto3.session.Session)
    _cache.update(session._loader._cache)
    for _ in range(3):  # the interpreter specialises the bytecode of what runs again
        _rehearse(boto3.session.Session)
    _spare_session(botocore.session)
    _defer_credentials(botocore.credentials)


def _rehearse(Session):
    session = Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    for name in SERVICES:
        client = session.client(name)
        _call(client, name)
    for name in RESOURCES:
        session.resource(name)
    return session


def _call(client, name):
    """Goes through a call up to the point where it would be sent: serialising, endpoint, signature."""

    class Stop(Exception):
        pass

    def stop(**kwargs):
        raise Stop

    operation, parameters = {
        "s3": ("get_object", {"Bucket": "bucket", "Key": "key"}),
        "dynamodb": ("get_item", {"TableName": "table", "Key": {"id": {"S": "x"}}}),
        "sqs": ("send_message", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/0/q", "MessageBody": "x"}),
        "sns": ("publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "x"}),
        "lambda": ("invoke", {"FunctionName": "f", "Payload": b"{}"}),
        "sts": ("get_caller_identity", {}),
    }[name]
    client.meta.events.register("before-send", stop)
    try:
        getattr(client, operation)(**parameters)
    except Stop:
        pass


# ---- loaders: JSON files, read and parsed once ----

_cache = {}  # of Loader._cache: method and arguments to result


def _share_loader_caches(Loader):
    plain = Loader.__init__

    def __init__(self, extra_search_paths=None, file_loader=None, cache=None, include_default_search_paths=True, include_default_extras=True):
        plain(self, extra_search_paths, file_loader, cache, include_default_search_paths, include_default_extras)
        if not extra_search_paths and file_loader is None and include_default_search_paths and include_default_extras:
            if not os.path.isdir(self.CUSTOMER_DATA_PATH):  # models of the function's own
                self._cache.update(_cache)

    Loader.__init__ = __init__


# ---- endpoint rules: a tree of objects made of a file that is in the cache ----


def _share_rulesets(module):
    made = {}  # by the identity of what they are made of, which is kept
    plain = module.RuleSet

    def RuleSet(*args, **kwargs):
        rules, partitions = kwargs.get("rules"), kwargs.get("partitions")
        known = made.get(id(rules))
        if known is not None and known[0] is rules and known[1] is partitions:
            return known[2]
        ruleset = plain(*args, **kwargs)
        if not _cache and rules is not None:  # while load runs
            made[id(rules)] = (rules, partitions, ruleset)
        return ruleset

    class Provider(module.EndpointProvider):
        def __init__(self, ruleset_data, partition_data, excluded_params=None):
            self.ruleset = RuleSet(**ruleset_data, partitions=partition_data)
            self._excluded_params = excluded_params or frozenset()

    for part in ("__module__", "__qualname__", "__name__", "__doc__"):
        setattr(Provider, part, getattr(module.EndpointProvider, part))
    import botocore.regions

    botocore.regions.EndpointProvider = module.EndpointProvider = Provider


# ---- methods of clients: one function for each operation of a model in the cache ----


def _share_methods(ClientCreator):
    made = {}
    plain = ClientCreator._create_methods

    def _create_methods(self, service_model):
        model = service_model._service_description
        known = made.get(id(model))
        if known is not None and known[0] is model:
            return known[1].copy()
        methods = plain(self, service_model)
        if not _cache:
            made[id(model)] = (model, methods.copy())
        return methods

    ClientCreator._create_methods = _create_methods


# ---- events: names that are aliases, and which handlers take keyword arguments ----


def _share_events(module):
    names = {}
    plain = module.EventAliaser.__init__

    def __init__(self, event_emitter, event_aliases=None):
        plain(self, event_emitter, event_aliases)
        if event_aliases is None:
            if _cache:  # load is over: what comes is the session's own
                self._alias_name_cache.update(names)
            else:
                self._alias_name_cache = names

    module.EventAliaser.__init__ = __init__

    known = {}  # by the code of functions, which is kept
    look = module.accepts_kwargs

    def accepts_kwargs(func):
        code = getattr(func, "__code__", None)
        if code is None or hasattr(func, "__wrapped__") or hasattr(func, "__signature__"):
            return look(func)
        found = known.get(code)
        if found is None:
            found = known[code] = look(func)
        return found

    module.accepts_kwargs = accepts_kwargs


# ---- a session that is ready: it looks at nothing outside before it is used ----


def _spare_session(module):
    spare = [module.Session()]

    def get_session(env_vars=None):
        """
        Return a new session object.
        """
        if env_vars is not None or not spare:
            return module.Session(env_vars)
        session = spare.pop()
        session._register_user_agent_creator()  # the one part that has read the environment
        return session

    module.get_session = get_session


# ---- credentials: a function that is loaded for a snapshot of its own gets them only afterwards, in each clone ----


def _defer_credentials(module):
    elsewhere = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")  # fmt: skip
    plain = module.EnvProvider.load
    from botocore.exceptions import NoCredentialsError

    class Deferred(module.Credentials):
        """Credentials of the environment, looked up when they are first used."""

        def __init__(self, provider):
            self.method = provider.METHOD
            self._provider, self._found = provider, None

        def _resolved(self):
            if self._found is None:
                found = plain(self._provider)
                if found is None:
                    raise NoCredentialsError()
                self._found = found
            return self._found

        access_key = property(lambda self: self._resolved().access_key)
        secret_key = property(lambda self: self._resolved().secret_key)
        token = property(lambda self: self._resolved().token)
        account_id = property(lambda self: os.environ.get("AWS_ACCOUNT_ID"))

        def get_frozen_credentials(self):
            return self._resolved().get_frozen_credentials()

    def load(self):
        found = plain(self)
        if found is None and self.environ is os.environ and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            if not any(name in os.environ for name in elsewhere):
                return Deferred(self)
        return found

    module.EnvProvider.load = load
