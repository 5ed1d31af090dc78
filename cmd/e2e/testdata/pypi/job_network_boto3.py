# requires: boto3 botocore s3transfer jmespath python_dateutil six urllib3
"""boto3 against a server that keeps objects: calls, transfers, pages of a waiter's kind."""

import io
import os

import boto3
from botocore.config import Config

BASE = os.environ["THAW_TEST_SERVER"]


def handler(event, context):
    s3 = boto3.client(
        "s3", endpoint_url=BASE + "/s3", region_name="us-east-1", aws_access_key_id="AKID", aws_secret_access_key="s",
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    s3.put_object(Bucket="b", Key="ä k", Body=b"hello")
    s3.upload_fileobj(io.BytesIO(b"x" * 100000), "b", "large")
    out = io.BytesIO()
    s3.download_fileobj("b", "large", out)
    return [s3.get_object(Bucket="b", Key="ä k")["Body"].read().decode(), len(out.getvalue()), s3.head_object(Bucket="b", Key="large")["ContentLength"]]
