"""Shows what a warm instance keeps: module globals and files in /tmp."""

import os

count = 0


def handler(event, context):
    global count
    count += 1
    with open("/tmp/calls", "a") as f:
        f.write(context.aws_request_id + "\n")
    return {"count": count, "bytes_in_tmp": os.path.getsize("/tmp/calls")}
