# requires: httpx httpcore h11 anyio certifi idna typing_extensions
"""Both clients, over transports of their own."""

import asyncio
import httpx


def answer(request):
    if request.url.path == "/old":
        return httpx.Response(302, headers={"Location": "/new"})
    return httpx.Response(200, json={"path": request.url.path, "agent": request.headers["user-agent"][:12], "body": request.content.decode()})


async def many():
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://h.example") as client:
        return [r.json()["path"] for r in await asyncio.gather(*(client.get(f"/{n}") for n in range(3)))]


def handler(event, context):
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="https://h.example", follow_redirects=True) as client:
        r = client.get("/old", params={"q": "ü"})
        posted = client.post("/p", data={"a": "1 2"}).json()
    return [r.json()["path"], len(r.history), posted["body"], asyncio.run(many()), posted["agent"]]
