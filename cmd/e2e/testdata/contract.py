"""What boto3 expects of versions, aliases, policies, mappings, layers and the other settings of functions."""
import base64, io, json, sys, time, zipfile

import boto3
from botocore.exceptions import ClientError

lam = boto3.client("lambda")
checks = 0


def check(ok, what):
    global checks
    if not ok:
        raise AssertionError(what)
    checks += 1


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        check(e.response["Error"]["Code"] == code, (code, e.response))
        check(e.response["ResponseMetadata"]["HTTPStatusCode"] >= 400 and e.response["Error"]["Message"], e.response)
        return e.response
    raise AssertionError(f"no {code}")


def package(text, name="app.py"):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr(name, text)
    return b.getvalue()


def code(n):
    return package(f"def handler(event, context): return [{n}, context.function_version, context.invoked_function_arn]")


ROLE = "arn:aws:iam::000000000000:role/r"
made = lam.create_function(FunctionName="f", Runtime="python3.13", Role=ROLE, Handler="app.handler", Code={"ZipFile": code(1)}, Publish=True, Timeout=10)
ARN = made["FunctionArn"]
check(made["Version"] == "1" and ARN.endswith(":function:f"), made)
lam.get_waiter("function_active_v2").wait(FunctionName="f")
lam.get_waiter("published_version_active").wait(FunctionName="f", Qualifier="1")

# Versions
two = lam.update_function_code(FunctionName="f", ZipFile=code(2), Publish=True)
check(two["Version"] == "2" and two["FunctionArn"] == ARN + ":2", two)
lam.get_waiter("function_updated_v2").wait(FunctionName="f")
check(lam.publish_version(FunctionName="f")["Version"] == "2", "nothing changed")
lam.update_function_configuration(FunctionName="f", Description="third")
three = lam.publish_version(FunctionName="f", Description="other")
check(three["Version"] == "3" and three["Description"] == "other", three)
pages = lam.get_paginator("list_versions_by_function").paginate(FunctionName="f", PaginationConfig={"PageSize": 1})
check([v["Version"] for p in pages for v in p["Versions"]] == ["$LATEST", "1", "2", "3"], "pages of versions")
refused("PreconditionFailedException", lam.publish_version, FunctionName="f", RevisionId="x")
refused("InvalidParameterValueException", lam.delete_function, FunctionName="f", Qualifier="$LATEST")


def invoke(**kw):
    r = lam.invoke(FunctionName="f", **kw)
    return json.load(r["Payload"]), r["ExecutedVersion"]


# Aliases
a = lam.create_alias(FunctionName="f", Name="PROD", FunctionVersion="1", Description="d")
check(a["AliasArn"] == ARN + ":PROD" and a["FunctionVersion"] == "1" and a["RevisionId"], a)
check(invoke(Qualifier="PROD") == ([1, "1", ARN + ":PROD"], "1"), invoke(Qualifier="PROD"))
check(invoke(Qualifier="2") == ([2, "2", ARN + ":2"], "2"), "version 2")
check(invoke() == ([2, "$LATEST", ARN], "$LATEST"), "unqualified")
lam.update_alias(FunctionName="f", Name="PROD", FunctionVersion="2")
check(invoke(Qualifier="PROD")[1] == "2", "the alias moved")
check(lam.get_alias(FunctionName="f", Name="PROD")["Description"] == "d", "the description stays")
lam.update_alias(FunctionName="f", Name="PROD", RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})
seen = {invoke(Qualifier="PROD")[1] for _ in range(60)}
check(seen == {"1", "2"}, seen)
refused("ResourceConflictException", lam.create_alias, FunctionName="f", Name="PROD", FunctionVersion="1")
refused("ResourceConflictException", lam.delete_function, FunctionName="f", Qualifier="1")
refused("ResourceNotFoundException", lam.get_alias, FunctionName="f", Name="NONE")
check([x["Name"] for p in lam.get_paginator("list_aliases").paginate(FunctionName="f", FunctionVersion="1") for x in p["Aliases"]] == ["PROD"], "list_aliases")

# Policies
s = json.loads(lam.add_permission(FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b", SourceAccount="111122223333")["Statement"])
check(s == {"Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": ARN,
            "Condition": {"StringEquals": {"AWS:SourceAccount": "111122223333"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}}, s)
p = lam.get_policy(FunctionName="f")
check(json.loads(p["Policy"])["Statement"] == [s] and p["RevisionId"], p)
refused("ResourceNotFoundException", lam.get_policy, FunctionName="f", Qualifier="PROD")
refused("ResourceConflictException", lam.add_permission, FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
lam.remove_permission(FunctionName="f", StatementId="s3", RevisionId=p["RevisionId"])
refused("ResourceNotFoundException", lam.get_policy, FunctionName="f")

# Event source mappings
m = lam.create_event_source_mapping(FunctionName="f:PROD", EventSourceArn="arn:aws:kinesis:us-east-1:000000000000:stream/s", StartingPosition="LATEST", BatchSize=5,
                                    FilterCriteria={"Filters": [{"Pattern": json.dumps({"data": {"a": [1]}})}]})
check(m["State"] == "Creating" and m["BatchSize"] == 5 and m["LastModified"].year > 2000 and m["FunctionArn"] == ARN + ":PROD", m)
got = lam.get_event_source_mapping(UUID=m["UUID"])
check(got["State"] == "Enabled" and "does not read event sources" in got["LastProcessingResult"] and got["FilterCriteria"] == m["FilterCriteria"], got)
check(lam.update_event_source_mapping(UUID=m["UUID"], Enabled=False)["State"] == "Disabling", "disable")
check(lam.get_event_source_mapping(UUID=m["UUID"])["State"] == "Disabled", "disabled")
check(len(lam.list_event_source_mappings(FunctionName="f:PROD")["EventSourceMappings"]) == 1, "list")
check(lam.delete_event_source_mapping(UUID=m["UUID"])["State"] == "Deleting", "delete")
refused("ResourceNotFoundException", lam.get_event_source_mapping, UUID=m["UUID"])

# Layers: Python finds what lies in /opt/python and in its site-packages; later layers win.
b = io.BytesIO()
with zipfile.ZipFile(b, "w") as z:
    z.writestr("python/first.py", "X = 1")
    z.writestr("python/shared.py", "X = 1")
    z.writestr("python/lib/python3.13/site-packages/deep.py", "X = 3")
    z.writestr("data.txt", "first")
one = lam.publish_layer_version(LayerName="one", Content={"ZipFile": b.getvalue()}, CompatibleRuntimes=["python3.13"], Description="d", LicenseInfo="MIT")
other = lam.publish_layer_version(LayerName="two", Content={"ZipFile": package("X = 2", "python/shared.py")})
check(one["Version"] == 1 and one["LayerVersionArn"].endswith(":layer:one:1") and one["Content"]["CodeSize"] == len(b.getvalue()), one)
lam.create_function(FunctionName="layered", Runtime="python3.13", Role=ROLE, Handler="app.handler", Layers=[one["LayerVersionArn"], other["LayerVersionArn"]], Timeout=10,
                    Code={"ZipFile": package("import first, shared, deep\ndef handler(e, c): return [first.X, shared.X, deep.X, open('/opt/data.txt').read()]")})
r = lam.invoke(FunctionName="layered")
check(json.load(r["Payload"]) == [1, 2, 3, "first"], "layers")
check([x["Arn"] for x in lam.get_function_configuration(FunctionName="layered")["Layers"]] == [one["LayerVersionArn"], other["LayerVersionArn"]], "Layers")
check(lam.get_layer_version_by_arn(Arn=one["LayerVersionArn"])["CompatibleRuntimes"] == ["python3.13"], "by ARN")
check([x["LayerName"] for x in lam.list_layers()["Layers"]] == ["one", "two"], "list_layers")
check(len(lam.list_layer_versions(LayerName="one")["LayerVersions"]) == 1, "list_layer_versions")
lam.add_layer_version_permission(LayerName="one", VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal="*")
check("lambda:GetLayerVersion" in lam.get_layer_version_policy(LayerName="one", VersionNumber=1)["Policy"], "layer policy")
lam.remove_layer_version_permission(LayerName="one", VersionNumber=1, StatementId="s")
lam.delete_layer_version(LayerName="one", VersionNumber=1)
refused("ResourceNotFoundException", lam.get_layer_version, LayerName="one", VersionNumber=1)
js = io.BytesIO()
with zipfile.ZipFile(js, "w") as z:
    z.writestr("nodejs/node_modules/lib/index.js", "exports.x = 7;")
njs = lam.publish_layer_version(LayerName="js", Content={"ZipFile": js.getvalue()})
lam.create_function(FunctionName="layered-js", Runtime="nodejs20.x", Role=ROLE, Handler="index.handler", Layers=[njs["LayerVersionArn"]], Timeout=10,
                    Code={"ZipFile": package("exports.handler = async () => require('lib').x;", "index.js")})
check(json.load(lam.invoke(FunctionName="layered-js")["Payload"]) == 7, "layer of Node.js")

# Asynchronous invocations
lam.create_function(FunctionName="counter", Runtime="python3.13", Role=ROLE, Handler="app.handler", Timeout=10, Code={"ZipFile": package(
    "n = []\ndef handler(event, context):\n    if event == 'report': return n\n    n.append(context.aws_request_id)\n    if len(n) < 3: raise ValueError('again')\n")})
lam.put_function_concurrency(FunctionName="counter", ReservedConcurrentExecutions=1)
r = lam.invoke(FunctionName="counter", InvocationType="Event", Payload=b'{"a": 1}')
check(r["StatusCode"] == 202 and r["Payload"].read() == b"", r)
ids = []
for _ in range(200):
    try:
        ids = json.load(lam.invoke(FunctionName="counter", Payload=b'"report"')["Payload"])
    except lam.exceptions.TooManyRequestsException:
        pass
    if len(ids) == 3:
        break
    time.sleep(0.05)
check(ids == [r["ResponseMetadata"]["RequestId"]] * 3, ids)
check(lam.invoke_async(FunctionName="counter", InvokeArgs=b"{}")["Status"] == 202, "invoke_async")
c = lam.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60)
check(c["MaximumRetryAttempts"] == 0 and c["FunctionArn"] == ARN + ":$LATEST" and c["LastModified"].year > 2000, c)
check(lam.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)["MaximumEventAgeInSeconds"] == 60, "update")
check(len(lam.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]) == 1, "list")
lam.delete_function_event_invoke_config(FunctionName="f")
refused("ResourceNotFoundException", lam.get_function_event_invoke_config, FunctionName="f")

# What else clients ask for
check(lam.put_provisioned_concurrency_config(FunctionName="f", Qualifier="3", ProvisionedConcurrentExecutions=1)["Status"] == "IN_PROGRESS", "provisioned")
check(lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="3")["Status"] in ("IN_PROGRESS", "READY"), "provisioned")
lam.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="3")
refused("ProvisionedConcurrencyConfigNotFoundException", lam.get_provisioned_concurrency_config, FunctionName="f", Qualifier="3")
u = lam.create_function_url_config(FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
check(u["FunctionUrl"].startswith("https://") and lam.get_function_url_config(FunctionName="f")["Cors"] == {"AllowOrigins": ["*"]}, u)
lam.delete_function_url_config(FunctionName="f")
check(lam.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto", "runtime management")
check(lam.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate", "recursion")
check(lam.get_function_code_signing_config(FunctionName="f")["FunctionName"] == "f", "code signing")
refused("UnsupportedOperationException", lam.list_code_signing_configs)
check({v["FunctionArn"].split(":", 6)[6] for p in lam.get_paginator("list_functions").paginate(FunctionVersion="ALL") for v in p["Functions"]} >= {"f:$LATEST", "f:1", "f:3", "layered:$LATEST"}, "ALL")

# Numbers are never used again.
lam.delete_function(FunctionName="f")
refused("ResourceNotFoundException", lam.get_alias, FunctionName="f", Name="PROD")
check(lam.create_function(FunctionName="f", Runtime="python3.13", Role=ROLE, Handler="app.handler", Code={"ZipFile": code(1)}, Publish=True)["Version"] == "4", "numbers")
print(checks, "checks passed")
