# requires: aws_xray_sdk botocore wrapt jmespath python_dateutil six urllib3
"""Segments and annotations, recorded by an emitter of its own: no daemon is there."""

import json
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
    xray_recorder.configure(service="s", sampling=False, context_missing="LOG_ERROR", emitter=emitter)
    xray_recorder.begin_segment("outer")

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
    xray_recorder.end_segment()
    sent = [e for e in emitter.sent if e["name"] == "outer"][-1]
    return [[s["name"], s["annotations"], s.get("fault", False)] for s in sent["subsegments"]]
