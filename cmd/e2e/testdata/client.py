"""What a boto3 user does with a Lambda endpoint. Run by TestBoto3, which sets the environment."""

import base64
import hashlib
import io
import json
import time
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError

client = boto3.client("lambda")
passed = 0


def check(condition, what):
    global passed
    assert condition, what
    passed += 1


def package(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in files.items():
            z.writestr(name.replace("__", "/") + ".py", text)
    return buffer.getvalue()


def raises(name, status, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        response = error.response
        assert response["Error"]["Code"] == name, response
        assert response["ResponseMetadata"]["HTTPStatusCode"] == status, response
        assert response["ResponseMetadata"]["RequestId"], response
        return response["Error"]["Message"]
    raise AssertionError("no error from " + str(call))


zip_file = package(app="def handler(event, context):\n    return [event, context.client_context and context.client_context.custom]\n")
arguments = dict(
    FunctionName="echo", Runtime="python3.12", Role="arn:aws:iam::000000000000:role/lambda_basic_execution", Handler="app.handler",
    Code={"ZipFile": zip_file}, Timeout=7, Environment={"Variables": {"KEY": "välue"}}, Tags={"team": "edge"},
)  # fmt: skip

created = client.create_function(**arguments)
check(created["ResponseMetadata"]["HTTPStatusCode"] == 201, created)
sha = base64.b64encode(hashlib.sha256(zip_file).digest()).decode()
check(
    created["FunctionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:echo"
    and created["CodeSha256"] == sha
    and created["CodeSize"] == len(zip_file)
    and created["MemorySize"] == 128
    and created["Environment"] == {"Variables": {"KEY": "välue"}},
    created,
)
client.get_waiter("function_active_v2").wait(FunctionName="echo")

context = base64.b64encode(json.dumps({"custom": {"a": 1}}).encode()).decode()
answer = client.invoke(FunctionName="echo", Payload=json.dumps({"x": "ü"}), ClientContext=context)
check(json.load(answer["Payload"]) == [{"x": "ü"}, {"a": 1}] and "FunctionError" not in answer, answer)
check(client.invoke(FunctionName="echo", InvocationType="DryRun")["StatusCode"] == 204, "DryRun")

got = client.get_function(FunctionName="echo")
check(got["Tags"] == {"team": "edge"} and got["Configuration"]["RevisionId"] == created["RevisionId"], got)
with urllib.request.urlopen(got["Code"]["Location"]) as location:
    check(location.read() == zip_file, "the link does not lead to the package")

raises("PreconditionFailedException", 412, client.update_function_code, FunctionName="echo", ZipFile=zip_file, RevisionId="0")
raises("ResourceConflictException", 409, client.create_function, **arguments)
broken = client.update_function_code(FunctionName="echo", ZipFile=package(app="def handler(event, context): raise KeyError('k')"))
check(broken["RevisionId"] != created["RevisionId"] and broken["LastUpdateStatus"] == "Successful", broken)
answer = client.invoke(FunctionName="echo")
error = json.load(answer["Payload"])
check(answer["FunctionError"] == "Unhandled" and error["errorType"] == "KeyError" and "app.py" in error["stackTrace"][0], error)

bad = dict(arguments, FunctionName="bad")
for what, arguments_changed, expected in [
    ("not a zip", {"Code": {"ZipFile": b"no zip"}}, "Could not unzip"),
    ("an entry that leaves", {"Code": {"ZipFile": package(**{"__outside": ""})}}, "Could not unzip"),
    ("unknown runtime", {"Runtime": "cobol85"}, "cobol85"),
    ("bad name", {"FunctionName": "no spaces please"}, "functionName"),
    ("bad role", {"Role": "arn:aws:iam::1:user/me"}, "role"),
    ("odd memory", {"MemorySize": 1000}, "memorySize"),
    ("too long", {"Timeout": 301}, "timeout"),
]:
    try:
        client.create_function(**dict(bad, **arguments_changed))
        raise AssertionError(what + " was accepted")
    except client.exceptions.InvalidParameterValueException as error:
        assert expected in str(error) and error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, (what, error.response)
try:
    client.invoke(FunctionName="echo", Payload=b"{'not': json}")
    raise AssertionError("not JSON, and accepted")
except client.exceptions.InvalidRequestContentException:
    pass
check([f["FunctionName"] for f in client.list_functions()["Functions"]] == ["echo"], "something bad was stored")

for i in range(7):
    client.create_function(**dict(arguments, FunctionName="page-%d" % i))
names = [f["FunctionName"] for page in client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}) for f in page["Functions"]]
check(names == ["echo"] + ["page-%d" % i for i in range(7)], names)

client.put_function_concurrency(FunctionName="echo", ReservedConcurrentExecutions=0)
raises("TooManyRequestsException", 429, client.invoke, FunctionName="echo")
client.delete_function_concurrency(FunctionName="echo")
client.tag_resource(Resource=created["FunctionArn"], Tags={"a": "b"})
client.untag_resource(Resource=created["FunctionArn"], TagKeys=["team"])
check(client.list_tags(Resource=created["FunctionArn"])["Tags"] == {"a": "b"}, "tags")

for name in names:
    client.delete_function(FunctionName=name)
raises("ResourceNotFoundException", 404, client.invoke, FunctionName="echo")
check(client.list_functions()["Functions"] == [], "functions are left")
print(passed, "checks passed")
