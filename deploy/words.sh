#!/bin/sh
# Collect the strings of pages and scripts into locale/ and compile the translations. With `--check`,
# change nothing and fail if a string is new, untranslated or not compiled. Needs GNU gettext.
set -eu

: "${BIN:=.venv/bin}"
cd "$(dirname "$0")/.."
export ENV_FILE=/dev/null SECRET_KEY=only-for-this-and-long-enough-for-a-key

collect() {
    for domain in django djangojs; do
        "$BIN/python" manage.py makemessages --domain "$domain" --locale de --no-location \
            --no-obsolete --ignore ".venv" --ignore "node_modules" --ignore "bench" --ignore "var" \
            --ignore "*/tests/*" \
            --verbosity 0
    done
}

# The messages of a file, without the dates in its header.
messages() {
    msgattrib --no-obsolete --sort-output "$1" | grep -v '^"\(POT-Creation\|PO-Revision\)-Date'
}

folder=locale/de/LC_MESSAGES
if [ "${1:-}" != "--check" ]; then
    collect
    "$BIN/python" manage.py compilemessages --locale de --ignore .venv --verbosity 0
    for domain in django djangojs; do
        printf '%s: ' "$domain"
        msgfmt --statistics --output-file=/dev/null "$folder/$domain.po"
    done
    exit
fi

work=$(mktemp -d)
cp -R locale "$work/before"
trap 'rm -rf locale && cp -R "$work/before" locale && rm -rf "$work"' EXIT
collect
for domain in django djangojs; do
    messages "$folder/$domain.po" > "$work/now"
    messages "$work/before/de/LC_MESSAGES/$domain.po" > "$work/then"
    diff -u "$work/then" "$work/now" || { echo "locale/ is out of date: make words" >&2; exit 1; }
    for kind in untranslated only-fuzzy; do
        if [ -n "$(msgattrib "--$kind" --no-obsolete "$folder/$domain.po")" ]; then
            msgattrib "--$kind" --no-obsolete "$folder/$domain.po" >&2
            echo "$domain.po: these strings are $kind" >&2
            exit 1
        fi
    done
    msgfmt --check --output-file="$work/now.mo" "$folder/$domain.po"
    msgunfmt "$work/now.mo" > "$work/now"
    msgunfmt "$work/before/de/LC_MESSAGES/$domain.mo" > "$work/then"
    diff -q "$work/then" "$work/now" > /dev/null || {
        echo "$domain.mo is out of date: make words" >&2
        exit 1
    }
done
