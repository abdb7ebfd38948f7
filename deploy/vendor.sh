#!/bin/sh
# Copy the libraries that pages load from node_modules, at the versions in package.json.
# With --check, fail if the copies in the repository are not these.
set -eu

folder=chats/static/chats/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without its source map, which is not served.
sed '/^\/\/# sourceMappingURL=/d' node_modules/marked/lib/marked.esm.js > "$work/marked.esm.js"
cp node_modules/marked/lib/marked.d.ts "$work/marked.esm.d.ts"
cp node_modules/marked/LICENSE "$work/marked.LICENSE"

if [ "${1:-}" = --check ]; then
    diff -r "$work" "$folder" || {
        echo "$folder is out of date: make vendor" >&2
        exit 1
    }
else
    cp "$work"/* "$folder"
fi
