"""What Channels needs."""

import os

LAYERS = {"pubsub": "pubsub.RedisPubSubChannelLayer", "lists": "core.RedisChannelLayer"}
layer = os.environ["LAYER"]
prefix = f"{os.environ['REDIS_PREFIX']}channels-{layer}"

SECRET_KEY = "of a benchmark"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = ["channels"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": f"channels_redis.{LAYERS[layer]}",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "prefix": prefix},
    }
}
