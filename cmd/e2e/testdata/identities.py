"""Every operation of IAM and STS that the server has, by boto3: parameters, answers as the model wants them, errors."""
import json

import boto3
from botocore.exceptions import ClientError

iam, sts = boto3.client("iam"), boto3.client("sts")
done = set()

def complete(shape, value, where):
    """What the model requires in an answer must be there."""
    if shape.type_name == "structure":
        for name in shape.required_members:
            assert name in value, f"{where} lacks {name}"
        for name, member in shape.members.items():
            if name in value:
                complete(member, value[name], f"{where}.{name}")
        unknown = set(value) - set(shape.members) - {"ResponseMetadata"}
        assert not unknown, f"{where} has {unknown}"
    elif shape.type_name == "list":
        for item in value:
            complete(shape.member, item, where + "[]")

def call(client, operation, **parameters):
    method = "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")

    answer = getattr(client, method)(**parameters)
    assert answer["ResponseMetadata"]["RequestId"], operation
    shape = client.meta.service_model.operation_model(operation).output_shape
    if shape is not None:
        complete(shape, answer, operation)
    done.add(operation)
    return answer

def fails(code, client, operation, **parameters):
    try:
        call(client, operation, **parameters)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        # Errors that the model knows become classes of their own.
        return e
    raise AssertionError(f"{operation} does not fail")

def document(effect="Allow", action="lambda:*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, **(more or {"Resource": "*"})}]})

trust = document(action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
tags = [{"Key": "team", "Value": "edge+more @ 1"}]

# Users
assert call(iam, "CreateUser", UserName="ann", Path="/a/", Tags=tags)["User"]["Tags"] == tags
arn = call(iam, "GetUser", UserName="ann")["User"]["Arn"]
account = arn.split(":")[4]
assert [u["UserName"] for u in call(iam, "ListUsers", PathPrefix="/a/")["Users"]] == ["ann"]
assert call(iam, "ListUsers", PathPrefix="/b/")["Users"] == []
call(iam, "UpdateUser", UserName="ann", NewPath="/b/")
call(iam, "TagUser", UserName="ann", Tags=[{"Key": "x", "Value": "y"}])
call(iam, "UntagUser", UserName="ann", TagKeys=["x"])
assert call(iam, "ListUserTags", UserName="ann")["Tags"] == tags
assert isinstance(fails("EntityAlreadyExists", iam, "CreateUser", UserName="ann"), iam.exceptions.EntityAlreadyExistsException)
assert isinstance(fails("NoSuchEntity", iam, "GetUser", UserName="nobody"), iam.exceptions.NoSuchEntityException)
fails("ValidationError", iam, "CreateUser", UserName="no spaces")

# Access keys
key = call(iam, "CreateAccessKey", UserName="ann")["AccessKey"]
call(iam, "UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
assert call(iam, "ListAccessKeys", UserName="ann")["AccessKeyMetadata"][0]["Status"] == "Inactive"
call(iam, "UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Active")
assert isinstance(fails("DeleteConflict", iam, "DeleteUser", UserName="ann"), iam.exceptions.DeleteConflictException)

# Groups
call(iam, "CreateGroup", GroupName="g")
call(iam, "AddUserToGroup", GroupName="g", UserName="ann")
assert call(iam, "GetGroup", GroupName="g")["Users"][0]["UserName"] == "ann"
assert call(iam, "ListGroupsForUser", UserName="ann")["Groups"][0]["GroupName"] == "g"
assert len(call(iam, "ListGroups")["Groups"]) == 1

# Managed policies
policy = call(iam, "CreatePolicy", PolicyName="p", PolicyDocument=document(), Description="d", Tags=tags)["Policy"]["Arn"]
version = call(iam, "CreatePolicyVersion", PolicyArn=policy, PolicyDocument=document("Deny"), SetAsDefault=True)["PolicyVersion"]
assert version["VersionId"] == "v2" and version["IsDefaultVersion"]
assert call(iam, "GetPolicyVersion", PolicyArn=policy, VersionId="v2")["PolicyVersion"]["Document"]["Statement"][0]["Effect"] == "Deny"
assert len(call(iam, "ListPolicyVersions", PolicyArn=policy)["Versions"]) == 2
call(iam, "SetDefaultPolicyVersion", PolicyArn=policy, VersionId="v1")
call(iam, "DeletePolicyVersion", PolicyArn=policy, VersionId="v2")
call(iam, "TagPolicy", PolicyArn=policy, Tags=[{"Key": "k", "Value": ""}])
call(iam, "UntagPolicy", PolicyArn=policy, TagKeys=["k"])
assert call(iam, "ListPolicyTags", PolicyArn=policy)["Tags"] == tags
assert [p["PolicyName"] for p in call(iam, "ListPolicies", Scope="Local")["Policies"]] == ["p"]
assert "AWSLambdaBasicExecutionRole" in [p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 3}) for p in page["Policies"]]
assert isinstance(fails("MalformedPolicyDocument", iam, "CreatePolicy", PolicyName="q", PolicyDocument="{}"), iam.exceptions.MalformedPolicyDocumentException)

# Roles
role = call(iam, "CreateRole", RoleName="r", AssumeRolePolicyDocument=trust, Description="d", MaxSessionDuration=7200, PermissionsBoundary=policy)["Role"]
assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
assert call(iam, "GetRole", RoleName="r")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == policy
assert "r" in [r["RoleName"] for r in call(iam, "ListRoles")["Roles"]]
call(iam, "DeleteRolePermissionsBoundary", RoleName="r")
call(iam, "PutRolePermissionsBoundary", RoleName="r", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess")
call(iam, "UpdateRole", RoleName="r", MaxSessionDuration=3600)
assert call(iam, "UpdateRoleDescription", RoleName="r", Description="e")["Role"]["Description"] == "e"
call(iam, "UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=document(action="sts:AssumeRole", Principal={"AWS": arn.replace("/a/", "/b/")}))
call(iam, "TagRole", RoleName="r", Tags=tags)
call(iam, "UntagRole", RoleName="r", TagKeys=["team"])
assert call(iam, "ListRoleTags", RoleName="r")["Tags"] == []
assert call(iam, "ListInstanceProfilesForRole", RoleName="r")["InstanceProfiles"] == []
assert call(iam, "ListAccountAliases")["AccountAliases"] == []
call(iam, "PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=policy)
call(iam, "DeleteUserPermissionsBoundary", UserName="ann")

# The policies of each kind of identity
for kind, name in {"User": "ann", "Group": "g", "Role": "r"}.items():
    who = {kind + "Name": name}
    call(iam, f"Put{kind}Policy", PolicyName="in", PolicyDocument=document(), **who)
    assert call(iam, f"Get{kind}Policy", PolicyName="in", **who)["PolicyDocument"] == json.loads(document())
    assert call(iam, f"List{kind}Policies", **who)["PolicyNames"] == ["in"]
    call(iam, f"Attach{kind}Policy", PolicyArn=policy, **who)
    assert call(iam, f"ListAttached{kind}Policies", **who)["AttachedPolicies"] == [{"PolicyName": "p", "PolicyArn": policy}]
entities = call(iam, "ListEntitiesForPolicy", PolicyArn=policy)
assert (entities["PolicyUsers"][0]["UserName"], entities["PolicyGroups"][0]["GroupName"], entities["PolicyRoles"][0]["RoleName"]) == ("ann", "g", "r")
assert call(iam, "GetPolicy", PolicyArn=policy)["Policy"]["AttachmentCount"] == 3
fails("DeleteConflict", iam, "DeletePolicy", PolicyArn=policy)
ann = arn.replace("/a/", "/b/")
assert [r["EvalDecision"] for r in call(iam, "SimulatePrincipalPolicy", PolicySourceArn=ann, ActionNames=["lambda:GetFunction", "s3:GetObject"])["EvaluationResults"]] == ["allowed", "implicitDeny"]
assert call(iam, "SimulateCustomPolicy", PolicyInputList=[document("Deny")], ActionNames=["lambda:GetFunction"])["EvaluationResults"][0]["EvalDecision"] == "explicitDeny"

# STS
assert call(sts, "GetCallerIdentity")["Arn"] == f"arn:aws:iam::{account}:root"
assert call(sts, "GetAccessKeyInfo", AccessKeyId=key["AccessKeyId"])["Account"] == account
mine = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
assumed = call(mine.client("sts"), "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session@1", DurationSeconds=900)
assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/r/session@1"
c = assumed["Credentials"]
session = boto3.Session(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
assert session.client("lambda").list_functions()["Functions"] == []
assert 800 < (c["Expiration"] - __import__("datetime").datetime.now(c["Expiration"].tzinfo)).total_seconds() <= 900
fails("AccessDenied", session.client("iam"), "ListUsers")
c = call(mine.client("sts"), "GetSessionToken", DurationSeconds=900)["Credentials"]
assert boto3.Session(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]).client("sts").get_caller_identity()["Arn"] == ann

# All of it goes again.
for kind, name in {"User": "ann", "Group": "g", "Role": "r"}.items():
    who = {kind + "Name": name}
    call(iam, f"Detach{kind}Policy", PolicyArn=policy, **who)
    call(iam, f"Delete{kind}Policy", PolicyName="in", **who)
call(iam, "RemoveUserFromGroup", GroupName="g", UserName="ann")
call(iam, "DeleteAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"])
call(iam, "DeleteGroup", GroupName="g")
call(iam, "DeleteUser", UserName="ann")
call(iam, "DeleteRole", RoleName="r")
call(iam, "DeletePolicy", PolicyArn=policy)
fails("InvalidAction", iam, "GetAccountSummary")
print(len(done), "operations")
