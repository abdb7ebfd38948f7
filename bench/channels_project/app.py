"""The same stream by Django Channels: one consumer for each stream, one group for each chat."""

import json
import os
from collections import Counter

import django
from channels.generic.http import AsyncHttpConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path
from django.utils import timezone

LAYERS = {"pubsub": "pubsub.RedisPubSubChannelLayer", "lists": "core.RedisChannelLayer"}
layer = f"channels_redis.{LAYERS[os.environ['LAYER']]}"
config = {"hosts": [os.environ["REDIS_URL"]], "prefix": f"{os.environ['REDIS_PREFIX']}{layer}"}
settings.configure(
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={"default": {"BACKEND": layer, "CONFIG": config}},
)
django.setup()

seqs: Counter[int] = Counter()  # one process sends


class Events(AsyncHttpConsumer):
    async def http_request(self, message):
        self.group = f"chat-{self.scope['url_route']['kwargs']['chat']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        await self.send_headers(headers=headers)
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
    author = {"id": chat, "first_name": "Gina", "last_name": "Guest", "role": "guest"}
    row = {"id": seq, "chat_id": chat, "seq": seq, "text": json.loads(body)["text"]}
    row |= {"author": author, "assurance": "guest", "created_at": now}
    row |= {"edited_at": None, "deleted_at": None}
    event = {"seq": seq, "type": "message.created", "chat_id": chat, "created_at": now, "data": row}
    data = json.dumps(event, separators=(",", ":"))
    text = f"id: {seq}\nevent: message.created\ndata: {data}\n\n"
    event = {"type": "chat.event", "body": text.encode()}
    await get_channel_layer().group_send(f"chat-{chat}", event)
    await answer(send, 201, json.dumps(row, separators=(",", ":")).encode())


async def ready(scope, receive, send):
    await answer(send, 200, b"{}")


async def answer(send, status, body):
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


routes = [
    path("api/chats/<int:chat>/events", Events.as_asgi()),
    path("api/chats/<int:chat>/messages", send),
    path("readyz", ready),
]
application = ProtocolTypeRouter({"http": URLRouter(routes)})
