# requires: aws_lambda_powertools jmespath typing_extensions
"""Logger, event handler, batch processing and data classes of Powertools."""

import json
import os
os.environ["POWERTOOLS_SERVICE_NAME"] = "shop"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "ns"
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import SQSEvent

app = APIGatewayRestResolver()
processor = BatchProcessor(event_type=EventType.SQS)


@app.get("/orders/<id>")
def order(id):
    return {"id": id, "q": app.current_event.get_query_string_value("q", "none")}


def work(record):
    if record.json_body["n"] < 0:
        raise ValueError("negative")


def handler(event, context):
    rest = {"path": "/orders/7", "httpMethod": "GET", "resource": "/{proxy+}", "queryStringParameters": {"q": "x"}, "headers": {}, "multiValueHeaders": {}, "requestContext": {"path": "/orders/7", "stage": "s"}, "body": None, "isBase64Encoded": False}
    answer = app.resolve(rest, context)
    missing = app.resolve(dict(rest, path="/nowhere"), context)
    records = {"Records": [{"messageId": str(n), "body": json.dumps({"n": n}), "eventSource": "aws:sqs", "receiptHandle": "h", "attributes": {}} for n in (1, -1)]}
    batch = process_partial_response(event=records, record_handler=work, processor=processor, context=context)
    metrics = Metrics()
    metrics.add_metric(name="orders", unit=MetricUnit.Count, value=1)
    return [answer["statusCode"], json.loads(answer["body"]), missing["statusCode"], batch, [r.json_body for r in SQSEvent(records).records], sorted(metrics.serialize_metric_set())]
