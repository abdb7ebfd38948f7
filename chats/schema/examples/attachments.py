"""Example attachments."""

LINK = "https://chat.example.com/files/17.{}.1625481000.pPvlmkzPBnwHDuFXHVkU3X6rYmQcfP8x/map.png"
ATTACHMENT = {
    "id": 17,
    "name": "map.png",
    "size": 48_213,
    "content_type": "image/png",
    "width": 1280,
    "height": 720,
    "duration": None,
    "status": "ready",
    "url": LINK.format("o"),
    "thumbnail_url": LINK.format("t"),
    "placeholder": "data:image/webp;base64,UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAQAcJaQA…",
    "created_at": "2021-07-05T09:31:30.000000Z",
}
PROCESSING = {
    **ATTACHMENT,
    "status": "processing",
    **dict.fromkeys(("width", "height", "url", "thumbnail_url", "placeholder")),
}
