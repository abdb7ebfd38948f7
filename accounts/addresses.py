"""Email addresses in normal form, so that each mailbox identifies one person."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db.models import Model, Q
from django.utils.translation import gettext as _

from chatapi.text.domains import normalize_domain

MAX_LENGTH = 254

# Stricter than the mail standards: no quoted local parts, no IP addresses.
validate = EmailValidator()


def normalize_email(email: str) -> str:
    """Return an address in normal form: lower case, NFC, the domain as DNS spells it.

    Invalid input is normalised as well, because limits count whatever was entered.
    """
    local, at, domain = unicodedata.normalize("NFC", email.strip()).lower().rpartition("@")
    try:
        return f"{local}{at}{normalize_domain(domain)}"
    except ValueError:
        return f"{local}{at}{domain}"


def parse_email(email: str) -> str:
    """Return a valid address in normal form. Raises ValidationError."""
    normal = normalize_email(email)
    if len(normal) > MAX_LENGTH:
        text = _("Email addresses can have at most %(most)s characters.")
        raise ValidationError(text % {"most": MAX_LENGTH})
    # Few mail servers support non-ASCII local parts, and a quoted local part is a second way to
    # write a plain one.
    if not normal.isascii() or any(mark in normal for mark in '"[]\\'):
        raise ValidationError(validate.message, code=validate.code)
    validate(normal)
    return normal


def respell(
    model: type[Model], is_taken: Callable[[Any, str], bool], name: str = "email"
) -> Iterator[str]:
    """Normalise the addresses of a table. For migrations.

    `is_taken(row, address)` returns whether another row has that address already. Such a row is
    left unchanged, and a warning about it is yielded.
    """
    for row in model._default_manager.filter(
        Q(**{f"{name}__regex": r"[^ -~]"}) | Q(**{f"{name}__contains": "xn--"})
    ).iterator():
        address = getattr(row, name)
        normal = normalize_email(address)
        if normal == address:
            continue
        if is_taken(row, normal):
            yield (
                f"{model._meta.label} {row.pk}: {address!a} is another spelling of {normal}, which"
                " another row has. It can no longer be used; merge or delete one of the rows."
            )
        else:
            model._default_manager.filter(pk=row.pk).update(**{name: normal})
