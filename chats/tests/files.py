"""Files for tests, and how they are sent."""

import io
import wave
import zipfile
from urllib.parse import urlsplit

from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def multipart(*files: tuple[str, bytes], **fields: object) -> tuple[bytes, str]:
    """The body of a form with these files, named `file`, and its content type.

    A list of values is sent as repeated fields.
    """
    parts = []
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            parts.append(f'form-data; name="{name}"\r\n\r\n{each}'.encode())
    for name, content in files:
        head = f'form-data; name="file"; filename="{name}"\r\nContent-Type: text/x-lie\r\n\r\n'
        parts.append(head.encode() + content)
    edge = f"--{BOUNDARY}".encode()
    body = b"".join(edge + b"\r\nContent-Disposition: " + part + b"\r\n" for part in parts)
    return body + edge + b"--\r\n", MULTIPART_CONTENT


def upload(person, name="note.txt", content=b"Hello", chat=None):
    """Upload a file to the person's chat."""
    body, media_type = multipart((name, content))
    chat_id = chat.pk if chat else person.chat_user.chat_id
    path = f"/api/chats/{chat_id}/attachments"
    return person.api.generic("POST", path, body, content_type=media_type)


def image(format="PNG", size=(64, 48), color="red", **options) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, color).save(content, format, **options)
    return content.getvalue()


def sound(seconds=2) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000 * seconds))
    return content.getvalue()


def archive(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return content.getvalue()


def binary_office() -> bytes:
    """The beginning of the container of Office documents before 2007."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def fetch(url: str, **headers: str):
    """The response of a link, whose content has been received as `read`."""
    response = Client().get(urlsplit(url).path, headers=headers)
    response.read = response.getvalue()  # the client closes a response that has been received
    return response
