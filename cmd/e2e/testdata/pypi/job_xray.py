# requires: aws_xray_sdk botocore wrapt jmespath python_dateutil six urllib3
"""Subsegments and annotations as in Lambda, recorded by an emitter of its own: no daemon is there."""

import json
import os

os.environ.setdefault("LAMBDA_TASK_ROOT", "/var/task")  # natively: this is how the SDK knows Lambda
os.environ["_X_AMZN_TRACE_ID"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

from aws_xray_sdk.core import xray_recorder


class Emitter:
    def __init__(self):
        self.sent = []

    def send_entity(self, entity):
        self.sent.append(json.loads(entity.serialize()))

    def set_daemon_address(self, address):
        pass


def handler(event, context):
    emitter = Emitter()
    xray_recorder.configure(service="s", context_missing="LOG_ERROR", emitter=emitter)

    @xray_recorder.capture("work")
    def work(n):
        xray_recorder.current_subsegment().put_annotation("n", n)
        if n > 1:
            raise ValueError("too many")
        return n

    work(1)
    try:
        work(2)
    except ValueError:
        pass
    return [[s["name"], s["annotations"], s.get("fault", False), s["trace_id"], s["parent_id"]] for s in emitter.sent]
