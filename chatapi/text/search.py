"""Full-text search in any script: the terms that a text is indexed by, and where a query matches.

Both databases store and compare the terms that are made here, and nothing else, so that they give
the same answers. Texts are folded first: the letters of a text that differ only in case, accents or
Unicode form become the same. What is a letter of its own in a script stays: vowel signs, for
example, or `й`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import regex

MAX_TERM_LENGTH = 64  # of what is indexed of a longer word
GRAM = 3  # characters of a term, in scripts that are written without spaces

# Scripts whose accents and points readers leave out when they search.
_ACCENTED = r"\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}"
_ACCENTS = regex.compile(
    rf"(?<=[{_ACCENTED}])(?<!и)\p{{Mn}}++|(?<=и)(?!\u0306)\p{{Mn}}++|\u0640"  # й; tatweel
)
_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}++")
# Letters that have no decomposition, as PostgreSQL's `unaccent` spells them.
_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
    }
)

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_ASCII_WORD = re.compile("[a-z0-9]+")
# A word, or in the group `unspaced` a run of characters of scripts without spaces.
_WORD = regex.compile(
    rf"(?P<unspaced>[[{_UNSPACED}]&&[\p{{L}}\p{{M}}\p{{N}}]]++)"
    rf"|[[\p{{L}}\p{{N}}]--[{_UNSPACED}]][[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]*+",
    regex.VERSION1,
)
_GRAPHEME = regex.compile(r"\X")


def fold(text: str) -> str:
    """The text without differences of case, accents and Unicode form. Its length may change."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFKD", _IGNORABLE.sub("", text))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_LETTERS)


def terms(text: str) -> set[str]:
    """The terms by which a text is found.

    These are its words and, for a script without spaces, the three characters from each position on
    (fewer at the end), so that a shorter word is the start of a term.
    """
    folded = fold(text)
    if folded.isascii():
        return {word[:MAX_TERM_LENGTH] for word in _ASCII_WORD.findall(folded)}
    found: set[str] = set()
    for match in _WORD.finditer(folded):
        word = match[0]
        if match["unspaced"]:
            found.update(word[start : start + GRAM] for start in range(len(word)))
        else:
            found.add(word[:MAX_TERM_LENGTH])
    return found


class Term(NamedTuple):
    """A term that a text must have; with `prefix`, one that starts with it."""

    text: str
    prefix: bool


class Token(NamedTuple):
    """A word of a folded text, or a run without spaces, and the end of the token before it."""

    text: str
    start: int
    before: int
    unspaced: bool


class Occurrence(NamedTuple):
    """Where a text has a word of the query.

    `end` is the end of what matches, and `token_end` that of the word that it is in. `before` is
    the end of the word before.
    """

    start: int
    end: int
    token_end: int
    before: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query. Texts with words that start with it match if `prefix`."""

    text: str
    prefix: bool
    unspaced: bool

    def terms(self) -> Iterator[Term]:
        if not self.unspaced:
            yield Term(self.text[:MAX_TERM_LENGTH], self.prefix)
        elif len(self.text) < GRAM:
            yield Term(self.text, True)
        else:
            for start in range(len(self.text) - GRAM + 1):
                yield Term(self.text[start : start + GRAM], False)

    def occurrences(self, tokens: list[Token]) -> Iterator[Occurrence]:
        """Where the word occurs in a text."""
        word, length = self.text, len(self.text)
        for text, start, before, unspaced in tokens:
            if not self.unspaced:
                whole = text == word
                if whole or (self.prefix and text.startswith(word)):
                    end = start + len(text)
                    yield Occurrence(start, start + length, end, before, whole)
            elif unspaced:
                place = text.find(word)
                while place >= 0:
                    at = start + place
                    yield Occurrence(at, at + length, at + length, at if place else before, True)
                    place = text.find(word, place + 1)


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody searches for: all of `words`."""

    words: tuple[Word, ...]

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Everything but letters and digits separates words, so there are no operators.

        The last word may be the start of a longer one: it may not have been typed completely. In
        Korean, every word may be, because particles are appended to it. A single letter may not,
        since nearly every text has a word that starts with it.
        """
        tokens = tokenize(fold(text))
        last = len(tokens) - 1
        words = (
            Word(
                text=token.text,
                prefix=is_hangul(token.text) or (place == last and len(token.text) > 1),
                unspaced=token.unspaced,
            )
            for place, token in enumerate(tokens)
        )
        return cls(tuple(dict.fromkeys(words)))

    def terms(self) -> set[Term]:
        """The terms that a text has if the query matches it. Not every such text matches."""
        return {term for word in self.words for term in word.terms()}

    def rank(self, text: str) -> int | None:
        """How well a text matches; None if it does not.

        It counts the words of the query that the text has as whole words, twice if all words stand
        next to each other in the order of the query.
        """
        found = self._occurrences(fold(text))
        if found is None:
            return None
        whole = sum(any(each.whole for each in occurrences) for occurrences in found)
        ends = {each.token_end for each in found[0]}
        for occurrences in found[1:]:
            ends = {each.token_end for each in occurrences if each.before in ends}
        return 2 * whole if ends else whole

    def ranges(self, text: str) -> list[tuple[int, int]]:
        """Where a text matches: starts and lengths in code points, in order, without overlaps."""
        folded, origins = fold_with_origins(text)
        found: list[tuple[int, int]] = []
        places = sorted(
            (origins[each.start][0], origins[each.end - 1][1])
            for occurrences in self._occurrences(folded) or ()
            for each in occurrences
        )
        for start, end in places:
            if found and start < found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            else:
                found.append((start, end))
        return [(start, end - start) for start, end in found]

    def _occurrences(self, folded: str) -> list[list[Occurrence]] | None:
        """The occurrences of each word; None if one does not occur."""
        tokens, found = tokenize(folded), []
        for word in self.words:
            occurrences = list(word.occurrences(tokens))
            if not occurrences:
                return None
            found.append(occurrences)
        return found


def tokenize(folded: str) -> list[Token]:
    tokens, before = [], 0
    for match in _WORD.finditer(folded):
        start, end = match.span()
        tokens.append(Token(match[0], start, before, match["unspaced"] is not None))
        before = end
    return tokens


def is_hangul(word: str) -> bool:
    return "\uac00" <= word[0] <= "\ud7a3"


def fold_with_origins(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The folded text and, for each of its characters, the start and end of its origin in `text`.

    The origin is what readers see as one character: a letter with its accents, for example.
    """
    if text.isascii():
        return text.lower(), list(pairwise(range(len(text) + 1)))
    parts: list[str] = []
    origins: list[tuple[int, int]] = []
    for match in _GRAPHEME.finditer(text):
        part = fold(match[0])
        parts.append(part)
        origins.extend([match.span()] * len(part))
    return "".join(parts), origins
