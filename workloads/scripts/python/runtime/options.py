"""Options as rows, as in base/param.c: the same values, the same sentences, the same exit codes."""
MISUSE, IMPOSSIBLE, FAILED = 2, 3, 1

NUMBER, TIME, CHOICE, FLAG, TEXT = "number", "time", "choice", "flag", "text"
NUMBER_UNITS = [("", 1), ("k", 1000), ("M", 1000000), ("G", 1000000000)]
TIME_UNITS = [("", 1), ("ns", 1), ("us", 1000), ("ms", 1000000), ("s", 1000000000)]
DIGITS = "0123456789"


class Refusal(Exception):
    """One sentence for the user, and the exit status."""

    def __init__(self, code, text):
        Exception.__init__(self, text)
        self.code, self.text = code, text


class Param(object):
    def __init__(self, name, kind, fallback=None, low=0, high=0, choices=None, value=None, help=""):
        self.name, self.kind, self.fallback, self.low, self.high = name, kind, fallback, low, high
        self.choices, self.value, self.help = choices, value, help


def distance(a, b):
    """Of Levenshtein."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        diagonal, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            diagonal, row[j + 1] = row[j + 1], min(diagonal + (x != y), row[j + 1] + 1, row[j] + 1)
    return row[len(b)]


def nearest(word, names):
    """A third of the word may be wrong, and one letter always."""
    best = min(names, key=lambda name: distance(word, name)) if names else None
    return best if best and distance(word, best) <= 1 + len(word) // 3 else None


def join(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def unknown(what, word, names):
    near = nearest(word, names)
    rest = "did you mean '%s'?" % near if near else "give %s" % join(names)
    return Refusal(MISUSE, "unknown %s '%s'; %s" % (what, word, rest))


def read_scaled(text, units):
    """Digits, an optional fraction, and a unit; None when it is not such, or is not whole."""
    end = len(text) - len(text.lstrip(DIGITS))
    whole, rest, fraction = text[:end], text[end:], ""
    if rest.startswith(".") and rest[1:2] and rest[1] in DIGITS:
        end = len(rest) - len(rest[1:].lstrip(DIGITS))
        fraction, rest = rest[1:end], rest[end:]
    for name, factor in units:
        if whole and name == rest:
            scaled = int(whole + fraction) * factor
            scale = 10 ** len(fraction)
            return scaled // scale if scaled % scale == 0 and scaled // scale < 2 ** 64 else None
    return None


def format_time(ns):
    name, factor = [unit for unit in TIME_UNITS if unit[1] == 1 or ns and ns % unit[1] == 0][-1]
    return "%d%s" % (ns // factor, name)


def read_number(row, text):
    is_time = row.kind == TIME
    low, high = [format_time(n) if is_time else str(n) for n in (row.low, row.high)]
    number = read_scaled(text, TIME_UNITS if is_time else NUMBER_UNITS)
    if number is None:
        raise Refusal(MISUSE, "--%s '%s' is not a %s; give %s to %s" % (row.name, text, row.kind, low, high))
    if not row.low <= number <= row.high:
        raise Refusal(MISUSE, "--%s '%s' is out of range; give %s to %s" % (row.name, text, low, high))
    return number


def read_value(row, text):
    if row.kind in (NUMBER, TIME):
        return read_number(row, text)
    if row.kind == CHOICE and text not in row.choices:
        raise unknown("--" + row.name, text, row.choices)
    return True if row.kind == FLAG else text


def look_ahead(words, name):
    """The value of an option before options are read: the mode decides which options exist."""
    found = None
    for i, word in enumerate(words):
        if word.startswith(name + "="):
            found = word[len(name) + 1:]
        elif word == name and i + 1 < len(words):
            found = words[i + 1]
    return found


def parse(words, rows):
    """The values of all rows by name; None for what has no default and was not given."""
    by_name = dict((row.name, row) for row in rows)
    values = dict((row.name, None if row.fallback is None else read_value(row, row.fallback)) for row in rows)
    words = list(words)
    while words:
        word = words.pop(0)
        word = "--help" if word == "-h" else word
        if word == "--" or not word.startswith("-") or word == "-":
            words = words if word == "--" else [word] + words
            if words:
                raise Refusal(MISUSE, "unexpected word '%s'; options start with --" % words[0])
            break
        name, equals, value = word.partition("=")
        row = by_name.get(name[2:]) if name.startswith("--") else None
        if row is None:
            near = nearest(name, ["--" + row.name for row in rows])
            raise Refusal(MISUSE, "unknown option '%s'; %s" % (
                name, "did you mean '%s'?" % near if near else "--help lists them"))
        if row.kind == FLAG and equals:
            raise Refusal(MISUSE, "--%s takes no value" % row.name)
        if row.kind != FLAG and not equals:
            if not words:
                raise Refusal(MISUSE, "--%s needs a value: --%s %s" % (row.name, row.name, row.value))
            value = words.pop(0)
        values[row.name] = read_value(row, value)
    return values


def help_lines(rows):
    for row in rows:
        left = "--" + row.name if row.kind == FLAG else "--%s %s" % (row.name, row.value)
        choices = ": " + join(row.choices) if row.choices else ""
        fallback = "" if row.fallback is None else " (default %s)" % row.fallback
        yield "  %-24s %s%s%s" % (left, row.help, choices, fallback)
