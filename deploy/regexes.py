"""Fail when a regular expression of the project takes more than linear time.

    python deploy/regexes.py [FOLDER …]

Linters that only read expressions find exponential ones, but miss quadratic ones, which are enough
to freeze a page or a worker. So this script runs each expression on short and long texts made of
the expression's own parts. It is fast enough to run with every check.
"""

import ast
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]  # private
from re import _parser as parser  # type: ignore[attr-defined]  # private
from typing import Any

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

ROOTS = ("accounts", "companies", "chats", "chatapi", "deploy")
SKIPPED = {"tests", "migrations", "vendor"}
METHODS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
ANCHORED = {"match", "fullmatch"}

SHORT, LONG = 8_000, 32_000  # characters
# These are processor times, so that a busy machine does not matter. Linear expressions take a
# hundredth of them.
TOO_SLOW = 0.02  # seconds for a short text, after which the long one is tried
GROWTH = 8  # the limit of the time's growth if the text is 4 times as long; quadratic is 16
LIMIT = 2  # seconds until a match is cancelled
MAX_PARTS = 10

# `re` does not support Unicode properties. These are some characters of each, as in a class.
PROPERTIES = {
    "ASCII": "\\x00-\\x7f",
    "L": "a-zA-Z\u00c0-\u024f\u0370-\u052f\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7a3",
    "M": "\u0300-\u036f",
    "N": "0-9",
    "C": "\\x00-\\x1f\\x7f\u200b-\u200f\u202a-\u202e",
    "Cc": "\\x00-\\x1f\\x7f",
    "Cf": "\u200b-\u200f\u202a-\u202e",
    "Ps": r"(\[{\u300c",
    "Pe": r")\]}\u300d",
    "White_Space": r"\s",
    "Default_Ignorable_Code_Point": "\u00ad\u200b-\u200f\ufe0f",
    "Extended_Pictographic": "\u2600-\u27bf",
    "Quotation_Mark": "\"'\u00ab\u00bb\u2018-\u201f\u300c\u300d",
    "Terminal_Punctuation": "!,.:;?\u3001\u3002",
    "Script=Latin": "a-zA-Z\u00c0-\u024f",
    "Script=Greek": "\u0370-\u03ff",
    "Script=Cyrillic": "\u0400-\u052f",
    "Script=Han": "\u4e00-\u9fff",
    "Script=Hiragana": "\u3040-\u309f",
    "Script=Katakana": "\u30a0-\u30ff",
    "Script=Hangul": "\uac00-\ud7a3",
    "Script=Thai": "\u0e00-\u0e7f",
    "Script=Lao": "\u0e80-\u0eff",
    "Script=Khmer": "\u1780-\u17ff",
    "Script=Myanmar": "\u1000-\u109f",
}


@dataclass(frozen=True)
class Expression:
    place: str
    pattern: str
    flags: int
    methods: frozenset[str]  # that are called with it


# --- Finding expressions --------------------------------------------------------------------------


def in_python(path: Path, sources: str) -> Iterator[Expression]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        if called not in {f"re.{each}" for each in ("compile", *METHODS)} | {"RegexValidator"}:
            continue
        pattern = node.args[0]
        if not isinstance(pattern, ast.Constant):
            raise SystemExit(f"{path}:{node.lineno}: only a constant expression can be checked.")
        text = (
            pattern.value.decode("latin-1") if isinstance(pattern.value, bytes) else pattern.value
        )
        flags = 0
        if any("IGNORECASE" in ast.unparse(each) for each in (*node.args[1:], *node.keywords)):
            flags |= re.IGNORECASE
        methods = {name} if name in METHODS else uses_of(node, path, sources)
        yield Expression(f"{path}:{node.lineno}", text, flags, frozenset(methods))


def uses_of(node: ast.Call, path: Path, sources: str) -> set[str]:
    """The methods that are called on a compiled expression; all methods if it has no name."""
    line = path.read_text().splitlines()[node.lineno - 1]
    named = re.match(r"(\w+) = re\.compile", line)
    found = re.findall(rf"\b{named[1]}\.({'|'.join(METHODS)})\(", sources) if named else []
    return set(found) or set(METHODS)


def in_javascript(path: Path) -> Iterator[Expression]:
    tree = Parser(Language(tree_sitter_javascript.language())).parse(path.read_bytes())

    def walk(node: Node) -> Iterator[Expression]:
        place = f"{path}:{node.start_point[0] + 1}"
        if node.type == "new_expression" and node.text and node.text.startswith(b"new RegExp"):
            raise SystemExit(f"{place}: only a constant expression can be checked.")
        if node.type == "regex":
            parts = {each.type: (each.text or b"").decode() for each in node.children}
            given = parts.get("regex_flags", "")
            flags = sum(
                flag for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S)) if letter in given
            )
            pattern = re.sub(r"\(\?<(?![=!])", "(?P<", parts["regex_pattern"])
            pattern = without_properties(pattern, place)
            yield Expression(place, pattern, flags, frozenset({"search"}))
        for child in node.children:
            yield from walk(child)

    yield from walk(tree.root_node)


def without_properties(pattern: str, place: str) -> str:
    """The pattern for `re`, with some of its characters in place of each `\\p{…}`."""
    in_class = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal in_class
        found = match[0]
        if found in "[]":
            in_class = found == "["
        if not found.startswith("\\p{"):
            return found
        if found[3:-1] not in PROPERTIES:
            raise SystemExit(f"{place}: add {found} to PROPERTIES.")
        characters = PROPERTIES[found[3:-1]]
        return characters if in_class else f"[{characters}]"

    return re.sub(r"\\p\{[^}]*\}|\\.|[\[\]]", replaced, pattern)


# --- Attacking expressions ------------------------------------------------------------------------


def parts_of(tree: Any) -> Iterator[str]:
    """The literal runs of a parsed expression, and one character of each class."""
    run = ""
    for kind, value in tree:
        if kind is constants.LITERAL:
            run += chr(value)
            continue
        if run:
            yield run
            run = ""
        if kind is constants.ANY or kind is constants.NOT_LITERAL:
            yield "x"
        elif kind is constants.IN:
            yield character_of(value)
        else:
            for inner in trees_in(value):
                yield from parts_of(inner)
    if run:
        yield run


def trees_in(value: Any) -> Iterator[Any]:
    if isinstance(value, parser.SubPattern):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from trees_in(each)


def character_of(options: Any) -> str:
    """A character that the class matches."""
    common = " a0x-_.,;:=&/\"'()[]{}<>\t\n\\|@#%+*?!é"
    for character in common:
        if any(fits(option, character) for option in options) != (
            options[0][0] is constants.NEGATE
        ):
            return character
    return "x"


def fits(option: Any, character: str) -> bool:
    kind, value = option
    if kind is constants.LITERAL:
        return chr(value) == character
    if kind is constants.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if kind is constants.CATEGORY:
        letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[str(value).rpartition("_")[2]]
        letter = letter.upper() if "_NOT_" in str(value) else letter
        return re.fullmatch(rf"\{letter}", character) is not None
    return False


def texts(parts: list[str], length: int) -> Iterator[str]:
    pumps = [*parts, *("".join(pair) for pair in product(parts, repeat=2) if pair[0] != pair[1])]
    for head, pump, tail in product(["", *parts], pumps, ["", "\0"]):
        yield head + pump * (length // len(pump)) + tail


class CancelledError(Exception):
    pass


def seconds(expression: re.Pattern[str], method: str, text: str) -> float:
    def give_up(*_: Any) -> None:
        raise CancelledError

    run = getattr(expression, method)
    begun = time.process_time()
    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        run("", text) if method == "sub" else run(text)
    except CancelledError:
        return LIMIT
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.process_time() - begun


def attack(expression: Expression) -> str | None:
    """Describe a text that the expression takes too long for; None if there is none."""
    compiled = re.compile(expression.pattern, expression.flags)
    tree = parser.parse(expression.pattern, expression.flags)
    parts = list(dict.fromkeys(parts_of(tree)))[:MAX_PARTS]
    anchored = expression.methods <= ANCHORED
    method = next(iter(expression.methods)) if anchored else "search"
    if "sub" in expression.methods or "findall" in expression.methods:
        method = "sub"
    for text, longer in zip(texts(parts, SHORT), texts(parts, LONG), strict=True):
        first = seconds(compiled, method, text)
        if first < TOO_SLOW:
            continue
        if first >= LIMIT:
            return f"{text[:40]!r}…, {len(text)} characters: more than {LIMIT} s"
        short = min(seconds(compiled, method, text) for _ in range(3))
        if short >= TOO_SLOW / 2 and seconds(compiled, method, longer) > min(
            GROWTH * short, 0.9 * LIMIT
        ):
            return f"{text[:40]!r}…, {len(text)} characters: {short * 1000:.0f} ms, and growing"
    return None


def expressions(roots: list[str]) -> Iterator[Expression]:
    paths = [
        path
        for root in roots
        for path in sorted(Path(root).rglob("*"))
        if not SKIPPED & set(path.parts)
        and path.suffix in {".py", ".js"}
        and path.name != Path(__file__).name
    ]
    sources = "\n".join(path.read_text() for path in paths if path.suffix == ".py")
    for path in paths:
        yield from in_python(path, sources) if path.suffix == ".py" else in_javascript(path)


def main(roots: list[str]) -> int:
    checked = bad = 0
    for expression in expressions(roots or list(ROOTS)):
        checked += 1
        if found := attack(expression):
            bad += 1
            print(f"{expression.place}: {expression.pattern} takes too long for {found}")
    print(f"{checked} regular expressions checked, {bad} take more than linear time")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
