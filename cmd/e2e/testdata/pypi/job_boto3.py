# requires: boto3 botocore s3transfer jmespath python_dateutil six urllib3
"""Signs links and talks to stubbed services."""

import datetime
import boto3
from botocore.config import Config
from botocore.stub import Stubber

credentials = dict(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1")


def handler(event, context):
    s3 = boto3.client("s3", config=Config(signature_version="s3v4"), **credentials)
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "ä/k"}, ExpiresIn=60)
    dynamo = boto3.resource("dynamodb", **credentials)
    table = dynamo.Table("t")
    with Stubber(table.meta.client) as stub:
        stub.add_response("get_item", {"Item": {"id": {"S": "1"}, "n": {"N": "2.5"}}}, {"TableName": "t", "Key": {"id": "1"}})
        item = table.get_item(Key={"id": "1"})["Item"]
    sqs = boto3.client("sqs", **credentials)
    with Stubber(sqs) as stub:
        stub.add_client_error("send_message", "QueueDoesNotExist", "no")
        try:
            sqs.send_message(QueueUrl="https://q", MessageBody="x")
            error = None
        except Exception as exc:
            error = exc.response["Error"]["Code"]
    return [link.split("?")[0], "X-Amz-Signature=" in link, item["id"], str(item["n"]), error, boto3.__version__]
