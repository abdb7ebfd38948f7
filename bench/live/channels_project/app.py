"""The same stream by Django Channels: one consumer a stream, one group a chat.

It is spared what ours does: no tokens, no database, no log, no limits, no comments to keep a
connection alive, and an event is written once by who sends it and not once a listener.
"""

import json
from collections import Counter

import django
from channels.generic.http import AsyncHttpConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path
from django.utils import timezone

django.setup()
seqs: Counter[int] = Counter()  # one process sends


class Events(AsyncHttpConsumer):
    async def http_request(self, message):
        self.group = f"chat-{self.scope['url_route']['kwargs']['chat']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.send_headers(
            headers=[(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        )
        await self.send_body(b"retry: 3000\n\n", more_body=True)

    async def disconnect(self):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def chat_event(self, event):
        await self.send_body(event["body"], more_body=True)


async def send(scope, receive, send):
    chat, body, more = scope["url_route"]["kwargs"]["chat"], b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    seqs[chat] += 1
    seq, now = seqs[chat], f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    row = {
        "id": seq,
        "chat_id": chat,
        "seq": seq,
        "text": json.loads(body)["text"],
        "author": {"id": chat, "first_name": "Gina", "last_name": "Guest", "role": "guest"},
        "assurance": "guest",
        "created_at": now,
        "edited_at": None,
        "deleted_at": None,
    }
    event = {"seq": seq, "type": "message.created", "chat_id": chat, "created_at": now, "data": row}
    data = json.dumps(event, separators=(",", ":"))
    await get_channel_layer().group_send(
        f"chat-{chat}",
        {
            "type": "chat.event",
            "body": f"id: {seq}\nevent: message.created\ndata: {data}\n\n".encode(),
        },
    )
    await answer(send, 201, json.dumps(row, separators=(",", ":")).encode())


async def ready(scope, receive, send):
    await answer(send, 200, b"{}")


async def answer(send, status, body):
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                path("api/chats/<int:chat>/events", Events.as_asgi()),
                path("api/chats/<int:chat>/messages", send),
                path("readyz", ready),
            ]
        )
    }
)
