"""The least that Channels needs."""

import os

LAYERS = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "lists": "channels_redis.core.RedisChannelLayer",
}

SECRET_KEY = "of a benchmark"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = ["channels"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": LAYERS[os.environ["LAYER"]],
        "CONFIG": {
            "hosts": [os.environ["REDIS_URL"]],
            "prefix": f"{os.environ['REDIS_PREFIX']}channels-{os.environ['LAYER']}",
        },
    }
}
