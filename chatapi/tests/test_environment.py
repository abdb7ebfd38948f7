"""How settings are read: lines of `.env`, and values that are put right or refused."""

import os

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatapi import env
from chatapi.env import read_env_file
from chatapi.text.domains import normalize_domain


@pytest.fixture
def given(monkeypatch):
    """Set `X_URL` or another setting for the time of a test."""

    def give(value, name="X_URL"):
        monkeypatch.setenv(name, value)
        return name

    return give


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=k#8)b&z", "k#8)b&z"),
        ("X=$ecret", "$ecret"),
        ("X=a$HOME${b}", "a$HOME${b}"),
        ("X=8119 # mine", "8119"),
        ("X=8119# mine", "8119# mine"),
        ("X=8119\t# mine", "8119"),
        ("X= # nothing", ""),
        ("X=", ""),
        ("X = a b ", "a b"),
        ("export X=a", "a"),
        ("X='a # b'", "a # b"),
        ('X="a # b" # c', "a # b"),
        ("X='it''s'", None),
        ("X=it's", "it's"),
        ("X='a", None),
        ("X", None),
        ("X=a\nX=b", "b"),
        ("#X=a\nX=b", "b"),
        ("X=a\r\nY=b", "a"),
        ("\ufeffX=a", "a"),
        ("X=grün", "grün"),
        ("X=postgres://u:p#w%2F@h/d", "postgres://u:p#w%2F@h/d"),
        ("X='a\\b'", "a\\b"),
    ],
)
def test_a_line_of_the_file(tmp_path, monkeypatch, line, value):
    monkeypatch.setattr(os, "environ", {})
    (tmp_path / "env").write_text(line + "\n", newline="")
    if value is None:
        with pytest.raises(ImproperlyConfigured, match="line 1, must be NAME=value"):
            read_env_file(tmp_path / "env")
    else:
        read_env_file(tmp_path / "env")
        assert os.environ["X"] == value


def test_a_variable_of_the_environment_wins(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {"X": "$theirs#"})
    (tmp_path / "env").write_text("X=ours\n")
    read_env_file(tmp_path / "env")
    assert env.text("X") == "$theirs#"


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "env").write_bytes(b"X=\xff\n")
    with pytest.raises(ImproperlyConfigured, match="can't be read"):
        read_env_file(tmp_path / "env")


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("HTTPS://Chat.Example.COM/", "https://chat.example.com"),
        ("https://chat.example.com:443", "https://chat.example.com"),
        ("http://chat.example.com:8000//", "http://chat.example.com:8000"),
        ("https://chät.example", "https://xn--cht-rla.example"),
        ("http://[2001:DB8::0001]", "http://[2001:db8::1]"),
        ("http://[2001:db8::1]:8000", "http://[2001:db8::1]:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_a_public_url_is_put_right(given, value, url):
    assert env.public_url(given(value), "") == url


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("https://a.example/chat", "without a path"),
        ("https://me:x@a.example", "alone"),
        ("https://a.example?x=1", "alone"),
        ("https://a.example#x", "alone"),
        ("https://a_b.example", "with a host"),
        ("https://", "with a host"),
        ("https://a b.example", "with a host"),
        ("https://a.example:", "with a host"),
        ("ftp://a.example", "starts with one of"),
        ("a.example", "starts with one of"),
        ("https://a.example:port", "starts with one of"),
        ("https://a..b", "with a host"),
    ],
)
def test_a_public_url_is_refused(given, value, reason):
    with pytest.raises(ImproperlyConfigured, match=reason) as refused:
        env.public_url(given(value), "")
    assert str(refused.value).startswith("X_URL must ")


def test_hosts(given):
    value = "a.example, B.example ,, .ä.example, *, [::1], 2001:DB8::1"
    assert env.hosts(given(value), []) == [
        "a.example",
        "b.example",
        ".xn--4ca.example",
        "*",
        "[::1]",
        "[2001:db8::1]",
    ]
    for wrong in ("https://a.example", "a.example:8000", "a b", "a.example/", "", " , "):
        with pytest.raises(ImproperlyConfigured):
            env.hosts(given(wrong), [])


@pytest.mark.parametrize(
    "value",
    [
        "chat@example.com",
        "Chat <chat@example.com>",
        '"Flowers, Inc." <chat@example.com>',
        "Grün <chat@bücher.example>",
        "chat@intranet",
        "chat@[192.0.2.1]",
    ],
)
def test_a_sender(given, value):
    assert env.mailbox(given(value, "X"), "") == value


@pytest.mark.parametrize(
    "value",
    [
        "Flowers, Inc. <chat@example.com>",
        "not an address",
        "Chat <>",
        "a@b@c",
        "a@example.com, b@example.com",
        "Chat <chat@>",
        "Chat\nBcc: x <chat@example.com>",
        "chat@exa_mple.com",
    ],
)
def test_what_is_no_sender(given, value):
    with pytest.raises(ImproperlyConfigured, match="X must be one mail address"):
        env.mailbox(given(value, "X"), "")


@pytest.mark.parametrize(
    ("value", "port", "implicit", "starttls"),
    [
        ("smtp://h", 25, False, False),
        ("smtp://h:2525", 2525, False, False),
        ("smtp+tls://h", 587, False, True),
        ("smtps://h", 465, True, False),
        ("smtp+ssl://h", 465, True, False),
        ("smtps://h:4650", 4650, True, False),
    ],
)
def test_mail_by_smtp(value, port, implicit, starttls):
    config = env.mail(value)
    assert config["EMAIL_PORT"] == port
    assert (config["EMAIL_USE_SSL"], config["EMAIL_USE_TLS"]) == (implicit, starttls)


def test_the_password_of_a_mail_server(given):
    value = env.url(given("smtps://me%40a:p#w%2Fd+@h"), "", env.MAIL_SCHEMES)
    config = env.mail(value)
    assert (config["EMAIL_HOST_USER"], config["EMAIL_HOST_PASSWORD"]) == ("me@a", "p#w/d+")


def test_mail_into_a_folder():
    assert env.mail("filemail:///var/mail")["EMAIL_FILE_PATH"] == "/var/mail"
    mails = str(env.BASE_DIR / "mails")
    assert env.mail("filemail://mails")["EMAIL_FILE_PATH"] == mails
    with pytest.raises(ImproperlyConfigured):
        env.mail("filemail://")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("postgres://u:p#w@h:1/d", {"USER": "u", "PASSWORD": "p#w", "HOST": "h", "NAME": "d"}),
        ("postgres://u:%24%2F@h/d", {"PASSWORD": "$/", "PORT": ""}),
        ("pgsql://h1:1,h2:2/d", {"HOST": "h1,h2", "PORT": "1,2"}),
        ("postgres://h1,h2:2/d", {"HOST": "h1,h2", "PORT": ",2"}),
        ("postgres://u@/d?host=/run/postgresql", {"HOST": "/run/postgresql", "NAME": "d"}),
        ("postgres://%2Frun%2Fpostgresql/d", {"HOST": "/run/postgresql", "NAME": "d"}),
        ("postgres:////run/postgresql/d", {"HOST": "/run/postgresql", "NAME": "d"}),
        ("postgres://h/d?sslmode=require", {"OPTIONS": {"sslmode": "require"}}),
        ("sqlite:////data/a%2Bb%23c.db", {"NAME": "/data/a+b#c.db"}),
    ],
)
def test_a_database(given, value, found):
    config = env.database(given(value), "")
    assert {name: config[name] for name in found} == found


@pytest.mark.parametrize(
    "value",
    [
        "postgres://u:p/w@h/d",
        "postgres://h/d?nonsense=1",
        "postgres://h:port/d",
        "mysql://h/d",
        "postgres://h1:1,h2:port/d",
    ],
)
def test_what_is_no_database(given, value):
    with pytest.raises(ImproperlyConfigured, match="X_URL must be a") as refused:
        env.database(given(value), "")
    assert "p/w" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Example.COM", "example.com"),
        ("e\u00adxample.com", "example.com"),
        ("exa\u200bmple.com", "example.com"),
        ("\uff45xample\uff0ecom", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BU\u0308CHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("example。com", "example.com"),
        ("straße.de", "xn--strae-oqa.de"),
        ("r3---sn.example", "r3---sn.example"),
    ],
)
def test_a_domain_has_one_spelling(name, normal):
    assert normalize_domain(name) == normal


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "a b",
        "a_b.example",
        "-a.example",
        "a-.example",
        "xn--",
        "xn--\u00fc",
        "a@b",
        "☃️\u202e.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "a/b",
    ],
)
def test_what_is_no_domain(name):
    with pytest.raises(ValueError):
        normalize_domain(name)
