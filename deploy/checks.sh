#!/bin/sh
# Check requirements.txt, migrations, the OpenAPI schema, translations and production settings.
set -eu

: "${BIN:=.venv/bin}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

manage() {
    env ENV_FILE=/dev/null DATA_DIR="$work" SECRET_KEY=only-for-checks-and-long-enough-for-a-key \
        "$@"
}

echo "== Imports, with only requirements.txt installed"
venv_python="$work/venv/bin/python"
"$BIN/python" -m venv "$work/venv"
"$venv_python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
"$venv_python" -c "import kombu.transport.filesystem, kombu.transport.pyamqp, kombu.transport.redis"
manage CELERY_BROKER_URL=redis://127.0.0.1:6379/0 "$venv_python" -c \
    "import chatapi.asgi, chatapi.server.worker; from chatapi.celery import app; app.connection()"

echo "== Migrations"
manage "$BIN/python" manage.py makemigrations --check --dry-run

echo "== OpenAPI schema"
manage "$BIN/python" manage.py spectacular --validate --fail-on-warn \
    --format openapi-json --file "$work/openapi.json"
diff -u docs/openapi.json "$work/openapi.json" || {
    echo "docs/openapi.json is out of date: make schema" >&2
    exit 1
}

echo "== Translations"
BIN="$BIN" sh deploy/words.sh --check

echo "== Production settings"
manage env \
    SECRET_KEY="$("$BIN/python" -c 'import secrets; print(secrets.token_urlsafe(50))')" \
    CHAT_PASSWORD_KEYS=one-of-its-own \
    TRANSCRIPT_KEYS="$("$BIN/python" -c 'import secrets; print(secrets.token_hex(32))')" \
    TRANSCRIPT_SALT_KEY="$("$BIN/python" -c 'import secrets; print(secrets.token_hex(32))')" \
    PUBLIC_URL=https://chat.example.com \
    ALLOWED_HOSTS=chat.example.com \
    DATABASE_URL=postgres://chat@db.example.com/chat \
    REDIS_URL=redis://cache.example.com/0 \
    EMAIL_URL=smtp+tls://user:password@mail.example.com:587 \
    NUM_PROXIES=1 \
    "$BIN/python" manage.py check --deploy --fail-level WARNING
