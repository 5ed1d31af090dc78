"""The guide's first Python function."""


def handler(event, context):
    return {"message": "Hello {} {}!".format(event["first_name"], event["last_name"])}
