"""Walks the guide's API reference (api.json, named by the first argument) with boto3: every action is called, every member of
its answer that the guide names is there after botocore parsed it, and errors come as botocore's typed exceptions."""
import io, json, sys, zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

reference = json.load(open(sys.argv[1]))
lam = boto3.client("lambda", config=Config(parameter_validation=False))  # so that invalid requests reach the server
names = {op: method for method, op in lam.meta.method_to_api_mapping.items()}
ROLE = "arn:aws:iam::000000000000:role/lambda_basic_execution"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/"
checks = 0


def package(text):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr("app.py", f"TEXT = {text!r}\ndef handler(event, context): return event")
    return b.getvalue()


lam.create_function(FunctionName="ref", Runtime="python3.13", Role=ROLE, Handler="app.handler", Code={"ZipFile": package("ref")}, Publish=True, Timeout=10,
                    VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
lam.create_alias(FunctionName="ref", Name="PROD", FunctionVersion="1")
lam.add_permission(FunctionName="ref", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
UUID = lam.create_event_source_mapping(FunctionName="ref", EventSourceArn=STREAM + "s", StartingPosition="LATEST")["UUID"]

# In the order in which they are called: what deletes comes last.
good = {
    "AddPermission": dict(FunctionName="ref", StatementId="new", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"),
    "CreateAlias": dict(FunctionName="ref", Name="NEW", FunctionVersion="1", Description="d"),
    "CreateEventSourceMapping": dict(FunctionName="ref", EventSourceArn=STREAM + "new", StartingPosition="TRIM_HORIZON"),
    "CreateFunction": dict(FunctionName="new", Runtime="python3.13", Role=ROLE, Handler="app.handler", Code={"ZipFile": package("new")}, VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}),
    "GetAlias": dict(FunctionName="ref", Name="PROD"),
    "GetEventSourceMapping": dict(UUID=UUID),
    "GetFunction": dict(FunctionName="ref"),
    "GetFunctionConfiguration": dict(FunctionName="ref", Qualifier="PROD"),
    "GetPolicy": dict(FunctionName="ref"),
    "Invoke": dict(FunctionName="ref", Payload=b'{"a": 1}', LogType="Tail"),
    "InvokeAsync": dict(FunctionName="ref", InvokeArgs=b"{}"),
    "ListAliases": dict(FunctionName="ref", MaxItems=1),
    "ListEventSourceMappings": dict(FunctionName="ref"),
    "ListFunctions": dict(MaxItems=1),
    "ListVersionsByFunction": dict(FunctionName="ref", MaxItems=1),
    "UpdateAlias": dict(FunctionName="ref", Name="PROD", FunctionVersion="$LATEST"),
    "UpdateEventSourceMapping": dict(UUID=UUID, BatchSize=5),
    "UpdateFunctionCode": dict(FunctionName="ref", ZipFile=package("other")),
    "UpdateFunctionConfiguration": dict(FunctionName="ref", Description="d"),
    "PublishVersion": dict(FunctionName="ref"),
    "RemovePermission": dict(FunctionName="ref", StatementId="s"),
    "DeleteAlias": dict(FunctionName="ref", Name="NEW"),
    "DeleteEventSourceMapping": dict(UUID=UUID),
    "DeleteFunction": dict(FunctionName="ref"),
}
actions = {a["name"]: a for a in reference["actions"]}
assert set(good) == set(actions), set(good) ^ set(actions)


def raises(name, method, kw):
    """Whether a call ends in an error of this name, typed where botocore's model has it."""
    global checks
    try:
        method(**kw)
    except ClientError as e:
        assert e.response["Error"]["Code"] == name, (name, kw, e.response)
        assert e.response["Error"]["Message"], e.response
        want = [x["httpStatus"] for x in reference["errors"] if x["name"] == name]
        assert want == [e.response["ResponseMetadata"]["HTTPStatusCode"]], e.response
        kind = getattr(lam.exceptions, name)
        assert isinstance(e, kind), (kind, type(e))
        checks += 1
        return
    raise AssertionError(f"no {name} from {method.__name__}({kw})")


for name, kw in good.items():
    action, method = actions[name], getattr(lam, names[name])
    errors = {e["name"] for e in action["errors"]}
    # First what goes wrong, then what is right.
    if "ResourceNotFoundException" in errors and name not in ("CreateFunction", "ListEventSourceMappings"):
        raises("ResourceNotFoundException", method, {**kw, **({"UUID": "none"} if "UUID" in kw else {"FunctionName": "none"})})
    if "InvalidParameterValueException" in errors and "FunctionName" in kw:
        raises("InvalidParameterValueException", method, {**kw, "FunctionName": "no name!"})
    for p in action["body"]:
        if p.get("required") and action["bodyKind"] == "json" and p["name"] not in ("EventSourceArn",):
            raises("InvalidParameterValueException", method, {k: v for k, v in kw.items() if k != p["name"]})
    if "InvalidRequestContentException" in errors:
        raises("InvalidRequestContentException", method, {**kw, ("InvokeArgs" if name == "InvokeAsync" else "Payload"): b"{"})
    answer = method(**kw)
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    assert name == "Invoke" or status == action["statusCode"], (name, status)
    for member in action["response"]:
        if member["name"] == "NextMarker" and name in ("ListEventSourceMappings", "ListAliases"):
            continue  # only where more follows
        assert member["name"] in answer, (name, member["name"], answer)
        checks += 1
    if "ResourceConflictException" in errors and name.startswith(("Add", "Create")):
        raises("ResourceConflictException", method, kw)
print(checks, "checks passed")
