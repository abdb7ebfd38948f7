"""Settings of the test suite, independent of the developer's environment.

The suite runs on the embedded default. With `TEST_DATABASE_URL` and `TEST_REDIS_URL` it runs on
PostgreSQL and Redis, in its own database and with its own key prefix.
"""

import atexit
import os
import shutil
import tempfile

for name in list(os.environ):
    if name.startswith("LIMIT_"):
        del os.environ[name]
os.environ.pop("DATABASE_URL", None)
folder = tempfile.mkdtemp(prefix="chatapi-test-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ.update(
    ENV_FILE=os.devnull,
    SECRET_KEY="only-for-tests, and long enough for a key",
    CHAT_PASSWORD_KEYS="a-key-of-the-tests",
    DATA_DIR=folder,
    REDIS_URL=os.environ.get("TEST_REDIS_URL", ""),
    REDIS_PREFIX=f"chatapi-test:{os.getpid()}:",
    CELERY_BROKER_URL="filesystem://localhost",
    EMAIL_URL="memorymail://",
    PUBLIC_URL="http://testserver",
    ALLOWED_HOSTS="testserver,localhost",
    DEBUG="false",
)
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from chatapi.settings import *  # noqa: F403 (a settings module)

# Deliberately slow hashing would take most of the suite's time.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

# Otherwise each test client would read all static files again.
WHITENOISE_AUTOREFRESH = True
