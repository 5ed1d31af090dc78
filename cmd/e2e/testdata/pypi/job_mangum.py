# requires: mangum typing_extensions
"""An ASGI application behind an API Gateway event."""

from mangum import Mangum


async def app(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body})


def handler(event, context):
    request = {"resource": "/x", "path": "/x", "httpMethod": "POST", "headers": {"Host": "h"}, "multiValueHeaders": {}, "queryStringParameters": None, "multiValueQueryStringParameters": None, "requestContext": {"identity": {"sourceIp": "1.2.3.4"}, "resourcePath": "/x"}, "body": "hello", "isBase64Encoded": False}
    answer = Mangum(app, lifespan="off")(request, context)
    return [answer["statusCode"], answer["body"]]
