"""`manage.py verify_transcript`, and what docs/transcripts.md says about verifying."""

import copy
import hashlib
import json
import re
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chatapi.tests.installation import ROOT
from chats.actions import messages
from chats.schema.examples import transcripts as example
from chats.transcripts import chain, keys

PAGE = (ROOT / "docs" / "transcripts.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def document(chat, gina, bob):
    first, _ = messages.send(gina.chat_user, "Hello")
    messages.edit(gina.chat_user, first["id"], "Hello!")
    gone, _ = messages.send(gina.chat_user, "Oops")
    messages.delete(chat.pk, gone["id"], gina.chat_user)
    return bob.api.get(f"/api/chats/{chat.pk}/transcript").json()


@pytest.fixture
def verify(tmp_path):
    """Run the command on a document or on bytes; returns what it prints."""

    def run(content, *arguments):
        file = tmp_path / "transcript.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        out = StringIO()
        call_command("verify_transcript", str(file), *arguments, stdout=out)
        return out.getvalue()

    return run


def test_a_valid_one_is_one_line(verify, document, chat):
    (line,) = verify(document).splitlines()
    assert line.startswith(
        f"The transcript of chat {chat.pk} is valid: 7 entries, of which 1 are withheld, "
    )


def test_by_a_file_of_keys(verify, document, tmp_path, settings):
    (tmp_path / "keys.json").write_text(json.dumps(keys.jwks()))
    settings.TRANSCRIPT_KEYS = ["1a" * 32]
    assert "is valid" in verify(document, "--keys", str(tmp_path / "keys.json"))
    with pytest.raises(CommandError, match="is not among the keys"):
        verify(document)


def test_by_an_old_key(verify, document, settings):
    settings.TRANSCRIPT_KEYS = ["1a" * 32, keys.derived("transcript signatures").hex()]
    assert "is valid" in verify(document)


def entry(number, **changes):
    return lambda document: document["entries"][number - 1].update(changes)


def content(seq, **changes):
    return lambda document: document["entries"][seq - 1]["content"].update(changes)


def fields(**changes):
    return lambda document: document.update(changes)


def remove(seq):
    return lambda document: document["entries"].pop(seq - 1)


def swap(document):
    entries = document["entries"]
    entries[3], entries[4] = entries[4], entries[3]


def swap_with_numbers(document):
    swap(document)
    for seq, each in enumerate(document["entries"], 1):
        each["seq"] = seq


def truncate(document):
    document["entries"] = document["entries"][:-1]
    document["seq"] -= 1
    document["head"] = document["entries"][-1]["hash"]


def rewrite(document):
    """Change a text, and chain all again without the key."""
    document["entries"][3]["content"]["text"] = "Good bye"
    previous = chain.START
    for each in document["entries"]:
        if each["salt"]:
            hashed = chain.hash_content(bytes.fromhex(each["salt"]), each["content"])
            each["content_hash"] = hashed.hex()
        previous = chain.hash_entry(
            previous,
            document["chat"]["id"],
            each["seq"],
            each["type"],
            each["created_at"],
            bytes.fromhex(each["content_hash"]),
        )
        each["hash"] = previous.hex()
    document["head"] = previous.hex()


def blank(*seqs, **changes):
    """Withhold entries without the key."""

    def tamper(document):
        for seq in seqs:
            document["entries"][seq - 1].update(content=None, salt=None)
        document.update(changes)

    return tamper


def blank_all(document):
    blank(*range(1, 8), withheld=list(range(1, 8)))(document)


HASH = "ab" * 32


def spaced(digits):
    return " ".join(re.findall("..", digits))


TAMPERINGS = [
    (content(4, text="Good bye"), "The content of entry 4 was changed."),
    (content(4, more=1), "The content of entry 4 was changed."),
    (content(4, text="\ud800"), "The content of entry 4 was changed."),
    (content(4, text=float("nan")), "The number NaN is not an integer."),
    (entry(4, content=None), "The content of entry 4 was changed."),
    (entry(4, salt=HASH), "The content of entry 4 was changed."),
    (entry(4, salt="short"), "The `salt` of entry 4 is not a hash."),
    (entry(4, salt=None), "Entry 4 has content, but no salt."),
    (entry(6, content={"text": "Oops"}), "Entry 6 has content, but no salt."),
    (entry(6, content_hash=HASH), "The hash of entry 6 does not match."),
    (entry(6, content_hash=None), "The `content_hash` of entry 6 is not a hash."),
    (entry(4, type="message.updated"), "The hash of entry 4 does not match."),
    (entry(4, created_at="2021-07-05T09:31:38.000000Z"), "The hash of entry 4 does not match."),
    (entry(4, created_at=7), "Entry 4 has no type or no time."),
    (entry(4, type="\udfff"), "The hash of entry 4 does not match."),
    (entry(4, hash=HASH), "The hash of entry 4 does not match."),
    (entry(4, seq="4"), "Entry 4 is not an entry of a transcript."),
    (remove(1), "Entry 1 is missing or out of place: there is entry 2 instead."),
    (remove(4), "Entry 4 is missing or out of place: there is entry 5 instead."),
    (remove(7), "The transcript must end with entry 7."),
    (swap, "Entry 4 is missing or out of place: there is entry 5 instead."),
    (swap_with_numbers, "The hash of entry 4 does not match."),
    (fields(head=HASH), "The head is not the hash of the last entry."),
    (fields(seq=8), "The transcript must end with entry 8."),
    (fields(entries=[]), "This is no transcript: it has no chat or no entries."),
    (fields(entries={"a": 1}), "This is no transcript: it has no chat or no entries."),
    (fields(entries=[1], withheld=[]), "Entry 1 is not an entry of a transcript."),
    (fields(chat={"id": -1}), "The hash of entry 1 does not match."),
    (fields(chat={"id": True}), "This is no transcript: it has no chat or no entries."),
    (fields(chat=None), "This is no transcript: it has no chat or no entries."),
    (fields(signed_at="2021-07-05T09:31:38.000000Z"), "The signature does not match."),
    (fields(signature="ab"), "The signature does not match."),
    (fields(signature="!"), "The signature does not match."),
    (fields(signature="ü"), "The signature does not match."),
    (fields(signature=None), "The signature does not match."),
    (fields(signed_at="\ud800"), "The time of the signature is not a time."),
    (fields(key_id="other"), "The key that signed the transcript is not among the keys."),
    (fields(key_id=["x"]), "The key that signed the transcript is not among the keys."),
    (blank(4), "The content of entry 4 was removed."),
    (blank(4, withheld=[4, 6]), "The signature does not match."),
    (blank(5, withheld=[5, 6]), "The signature does not match."),
    (blank_all, "The signature does not match."),
    (fields(withheld=[]), "The content of entry 6 was removed."),
    (fields(withheld=[4, 6]), "Entry 4 is withheld, but has a salt."),
    (fields(withheld=None), "The list of withheld entries is not valid."),
    (fields(withheld={"6": 1}), "The list of withheld entries is not valid."),
    (fields(withheld=[6, 6]), "The list of withheld entries is not valid."),
    (fields(withheld=[7, 6]), "The list of withheld entries is not valid."),
    (fields(withheld=[6, 8]), "The list of withheld entries is not valid."),
    (fields(withheld=[True, 6]), "The list of withheld entries is not valid."),
    (fields(withheld=["6"]), "The list of withheld entries is not valid."),
    (fields(withheld=[[6]]), "The list of withheld entries is not valid."),
    (fields(people=[]), "The signature does not match."),
    (fields(people=None), "The signature does not match."),
    (fields(people=["\ud800"]), "The signature does not match."),
    (lambda document: document["people"][0].update(role="agent"), "The signature does not match."),
    (lambda document: document["chat"].update(name="Other"), "The signature does not match."),
    (lambda document: document["chat"].update(more=1), "The signature does not match."),
    (truncate, "The signature does not match."),
    (rewrite, "The signature does not match."),
    (entry(4, salt=spaced(HASH)), "The `salt` of entry 4 is not a hash."),
    (entry(4, content_hash=HASH.upper()), "The `content_hash` of entry 4 is not a hash."),
    (entry(4, seq=True), "Entry 4 is not an entry of a transcript."),
    (entry(4, seq=4.0), "The number 4.0 is not an integer."),
    (entry(4, seq=40), "Entry 4 is missing or out of place: there is entry 40 instead."),
    (entry(4, text="Good bye"), "Entry 4 is not an entry of a transcript."),
    (fields(company="Other"), "The fields are not those of a transcript."),
    (fields(seq="\x1b[2K"), "The transcript must end with entry '\\x1b[2K'."),
    (fields(signed_at=["\x1b[2K"]), "The time of the signature is not a time."),
    (fields(signed_at=None), "The time of the signature is not a time."),
]


@pytest.mark.parametrize(("tamper", "sentence"), TAMPERINGS)
def test_each_kind_of_tampering_is_found(verify, document, tamper, sentence):
    tamper(document)
    with pytest.raises(CommandError) as raised:
        verify(document)
    assert str(raised.value) == sentence


def test_people_who_changed_places_are_found(verify, chat, gina, bob, agent_bob):
    messages.send(gina.chat_user, "I want my money back.")
    document = bob.api.get(f"/api/chats/{chat.pk}/transcript").json()
    assert "is valid" in verify(document)
    first, second = document["people"]
    first["id"], second["id"] = second["id"], first["id"]
    with pytest.raises(CommandError, match="The signature does not match"):
        verify(document)


def twice(document):
    """Two texts in one message, of which most readers take the last one."""
    text = json.dumps(document)
    found = text.replace('"text": "Hello"', '"text": "Good bye", "text": "Hello"')
    assert found != text
    return found.encode()


def test_a_key_that_appears_twice_is_found(verify, document):
    with pytest.raises(CommandError) as raised:
        verify(twice(document))
    assert str(raised.value) == "The key 'text' appears twice in an object."


def test_floats_are_refused_in_every_document(document):
    """Also in one that was not read by `parse`."""
    public = chain.read_jwks(keys.jwks())
    for tamper in (entry(4, seq=4.0), fields(seq=7.0), content(4, message_id=1.5)):
        changed = copy.deepcopy(document)
        tamper(changed)
        with pytest.raises(chain.InvalidTranscriptError):
            chain.verify(changed, public)


@pytest.mark.parametrize(
    "name",
    ["chat", "people", "entries", "seq", "head", "withheld", "signed_at", "key_id", "signature"],
)
def test_a_missing_field_is_found(verify, document, name):
    del document[name]
    with pytest.raises(CommandError):
        verify(document)


@pytest.mark.parametrize(
    "name", ["seq", "type", "created_at", "content", "salt", "content_hash", "hash"]
)
def test_a_missing_field_of_an_entry_is_found(verify, document, name):
    del document["entries"][3][name]
    with pytest.raises(CommandError):
        verify(document)


@pytest.mark.parametrize("text", [b"", b"\xff", b"{", b"[" * 100_000, b'{"chat": '])
def test_what_is_not_json(verify, text):
    with pytest.raises(CommandError, match="is not JSON"):
        verify(text)


@pytest.mark.parametrize("text", [b"1", b"[]", b"null", b"{}", b'"a"', b"[" * 500 + b"]" * 500])
def test_what_is_no_transcript(verify, text):
    with pytest.raises(CommandError, match="This is no transcript"):
        verify(text)


def test_a_truncated_file(verify, document):
    content = json.dumps(document).encode()
    for length in (1, 100, len(content) - 1):
        with pytest.raises(CommandError, match="is not JSON"):
            verify(content[:length])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"keys": [{}, 1]}',
        '{"keys": [{"crv": "Ed25519"}]}',
        '{"keys": [{"crv": "Ed25519", "x": "AA", "kid": "other"}]}',
    ],
)
def test_a_file_that_is_no_jwks(verify, document, tmp_path, text):
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(CommandError, match="is no JWKS"):
        verify(document, "--keys", str(tmp_path / "keys.json"))


def test_a_missing_file(tmp_path):
    with pytest.raises(CommandError, match="can't be read: No such file"):
        call_command("verify_transcript", str(tmp_path / "missing.json"))


class TestPage:
    """What docs/transcripts.md says."""

    @pytest.fixture
    def run(self, tmp_path, monkeypatch, capsys):
        """Run its program on a document or on bytes; returns what it prints.

        `optimize` is what `python -O` sets, which removes assertions.
        """

        def run(content, optimize=0):
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (tmp_path / "transcript.json").write_bytes(data)
            (tmp_path / "keys.json").write_text(json.dumps(keys.jwks()))
            files = [str(tmp_path / f"{name}.json") for name in ("transcript", "keys")]
            monkeypatch.setattr(sys, "argv", ["verify.py", *files])
            (source,) = blocks("python")
            program = compile(source, "verify.py", "exec", optimize=optimize)
            exec(program, {"__name__": "__main__"})
            return capsys.readouterr().out

        return run

    def test_its_program_verifies_a_transcript(self, tmp_path, document):
        for name, content in (("transcript", document), ("keys", keys.jwks())):
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        (tmp_path / "verify.py").write_text(blocks("python")[0])
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "verify.py", "transcript.json", "keys.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "valid, 1 of 7 entries are withheld\n"), (
            done.stderr
        )

    @pytest.mark.parametrize("optimize", [0, 1])
    @pytest.mark.parametrize("tamper", [tamper for tamper, _ in TAMPERINGS])
    def test_its_program_finds_tampering(self, run, document, capsys, tamper, optimize):
        assert run(document, optimize).startswith("valid")
        tamper(document)
        with pytest.raises((SystemExit, Exception)) as raised:
            run(document, optimize)
        assert not isinstance(raised.value, SystemExit) or isinstance(raised.value.code, str)
        assert capsys.readouterr().out == ""

    def test_its_program_finds_a_key_that_appears_twice(self, run, document):
        with pytest.raises(SystemExit, match="a key appears twice"):
            run(twice(document))

    def test_its_vectors_of_canonical_json(self):
        rows = re.findall(r"^\| `(.*)` \| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE)
        assert len(rows) == 4
        for value, digest in rows:
            assert hashlib.sha256(chain.canonical(json.loads(value))).hexdigest() == digest

    def test_its_transcript_is_valid(self):
        *_, transcript, withheld, jwks = map(json.loads, blocks("json"))
        assert transcript == example.TRANSCRIPT
        assert jwks == example.KEYS
        chain.verify(transcript, chain.read_jwks(jwks))
        salt, entry = bytes([example.DELETED]) * 32, transcript["entries"][example.DELETED - 1]
        assert entry["content"] is None
        assert chain.hash_content(salt, withheld).hex() == entry["content_hash"]
        changed = copy.deepcopy(transcript)
        changed["entries"][2]["content"]["text"] = "Hello"
        with pytest.raises(chain.InvalidTranscriptError):
            chain.verify(changed, chain.read_jwks(jwks))
