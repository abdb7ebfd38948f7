"""Mail addresses: one spelling for each mailbox, wherever an address says who somebody is."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db.models import Model, Q
from django.utils.translation import gettext as _

from chatapi.text.domains import normal_domain

LONGEST = 254

# Of the forms that mail knows, those that people have: no quotation marks, no IP addresses.
validate = EmailValidator()


def normal_email(email: str) -> str:
    """The one spelling of an address: lower case, NFC, its domain as DNS knows it.

    What is no address has a spelling, too; for limits, which count whatever was typed.
    """
    local, at, domain = unicodedata.normalize("NFC", email.strip()).lower().rpartition("@")
    try:
        return f"{local}{at}{normal_domain(domain)}"
    except ValueError:
        return f"{local}{at}{domain}"


def parse_email(email: str) -> str:
    """The one spelling of an address. Raises ValidationError for what is none."""
    normal = normal_email(email)
    if len(normal) > LONGEST:
        text = _("An address has at most %(most)s characters.")
        raise ValidationError(text % {"most": LONGEST})
    # Other scripts in front of the @ would need mail servers that few have; and a quoted form is
    # another spelling of a plain one.
    if not normal.isascii() or any(mark in normal for mark in '"[]\\'):
        raise ValidationError(validate.message, code=validate.code)
    validate(normal)
    return normal


def respell(
    model: type[Model], is_taken: Callable[[Any, str], bool], name: str = "email"
) -> Iterator[str]:
    """For migrations: put the addresses of a table into their one spelling.

    `is_taken(row, address)` says whether another row has that spelling already. Such a row is left
    as it is, and a sentence about it is given.
    """
    for row in model._default_manager.filter(
        Q(**{f"{name}__regex": r"[^ -~]"}) | Q(**{f"{name}__contains": "xn--"})
    ).iterator():
        address = getattr(row, name)
        normal = normal_email(address)
        if normal == address:
            continue
        if is_taken(row, normal):
            yield (
                f"{model._meta.label} {row.pk}: {address!a} is another spelling of {normal}, which"
                " another row has; it can't be reached any more, and is left for you to decide."
            )
        else:
            model._default_manager.filter(pk=row.pk).update(**{name: normal})
