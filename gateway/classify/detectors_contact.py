"""Ways to reach a person: e-mail addresses, plain and thinly disguised, and telephone numbers."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from gateway.classify.candidates import around
from gateway.classify.cues import places, vocabulary
from gateway.classify.hits import CERTAIN, LIKELY, POSSIBLE, Hit
from gateway.classify.numbers import Span
from gateway.classify.view import AT, View

# RFC 5321: 64 octets before the sign, 255 after.
_LOCAL_BACKWARDS = re.compile(r"[\w+-][\w.+%'&/=-]*")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+((?:[^\W\d_]|xn--)[\w-]{1,23})(?![\w])")
_MAX_LOCAL, _MAX_DOMAIN = 64, 255
_MAX_DISGUISED_DOMAIN = 120
# RFC 2606 and RFC 6761: nobody can be reached there.
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost|local)\Z")
_LOGIN = re.compile(r"://[^\s/@]+:\Z")
_NOT_A_PERSON = frozenset({"git"})  # git@host is how one clones
_FILE_ENDINGS = frozenset({"png", "jpg", "jpeg", "svg", "gif", "js", "ts", "py", "json", "html", "css"})  # logo@2x.png

# "john at acme dot com", "john(at)acme.com", "john [at] acme [dot] com", "john @ acme . com"
_AT = r"(?:\s?[(\[{<]\s?(?:at|@)\s?[)\]}>]\s?|\s+at\s+|\s*@\s*)"
_DOT = (
    r"(?:\s?[(\[{<]\s?(?:dot|\.|punkt|punto|point|ponto)\s?[)\]}>]\s?|\s+(?:dot|punkt|punto)\s+|\s+\.\s?|\."
    r"|\.\s(?=(?:com|net|org)\b))"  # any other blank after a full stop ends a sentence
)
_DISGUISED = re.compile(
    rf"(?<![\w.+-])([\w+-]{{1,40}}(?:{_DOT}[\w+-]{{1,40}}){{0,3}}){_AT}((?:[a-z0-9-]{{1,40}}{_DOT}){{1,4}}([a-z]{{2,12}}))(?![\w-])"
)
_DISGUISES = re.compile(r"[(\[{<] ?at ?[)\]}>]|[(\[{<] ?(?:dot|punkt|punto) ?[)\]}>]| dot | punkt | @ | @|@ ")
_COMMON_TLDS = frozenset(
    str.split(
        "com org net edu gov io co ai app dev info biz me tv eu us uk de fr es it nl be at ch pl pt se no fi dk ie cz "
        "hu ro bg gr hr si sk lt lv ee ru ua tr br mx ar cl co pe in cn jp kr sg hk au nz za ca il ae"
    )
)
_DISGUISE_MARK = re.compile(r"\bdot\b|\bpunkt\b|\bpunto\b|[(\[{<]|@")

# Country calling code to the fewest and most digits after it (ITU-T E.164 and the national plans).
_PLANS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        code: (int(fewest), int(most))
        for fewest, most, codes in (
            (10, 10, "1 7 91 52 57 58"),
            (9, 9, "33 34 48 48 420 421 41 51 351 27 966 971 32 61 40 380 56 66 84 94 212 213 254 255 256 234"),
            (7, 11, "49 43 352 358 46 86 62 60 55 54 39 20 90 98 63 81 82 353 44 92 880 65 64"),
            (8, 10, "31 45 47 30 36 385 386 370 371 372 359 972 852 853 886 965 962 961 973 974 968 216 233 251"),
            (
                7,
                9,
                "354 356 357 373 374 375 376 377 378 381 382 387 389 355 993 994 995 996 998 992 977 975 960 591 593",
            ),
            (
                7,
                9,
                "595 598 502 503 504 505 506 507 509 220 221 225 237 243 244 250 258 260 263 264 265 267 230 297 299",
            ),
            (7, 11, "53 500 501 592 594 596 597 599 670 673 675 679 685 689 850 855 856 93 95 963 964 967 970 976"),
        )
        for code in codes.split()
    }
)
_NANP = re.compile(r"(?:\(([2-9]\d\d)\)\s?|([2-9]\d\d)[-.\s])([2-9]\d\d)[-.\s](\d{4})(?!\d)")
_FRENCH = re.compile(r"0[1-9](?:[ .]\d\d){4}(?![ .]?\d)")
_WORDS = vocabulary(
    "phone* telephone* tel call calling mobile* cell cellphone* cellular fax whatsapp sms text_me reach_me "
    "ring_me contact_number* hotline telefon* handy* rufnummer* anrufen erreichbar tél* téléphone* portable "
    "appelez teléfono* telefono* móvil* movil* celular* llám* telefone* telemóvel* ligue cellulare chiam* "
    "telefoon* mobiel* bel_me puhelin* телефон* тел 电话* 手机* 電話* 携帯* 전화* هاتف"
)
_DATE = re.compile(r"(?:19|20)\d\d[-./ ]?[01]\d[-./ ]?[0-3]\d|[0-3]?\d[-./ ][01]?\d[-./ ](?:19|20)\d\d")
_ISO_DATE = re.compile(r"(?:19|20)\d\d([-/.])[01]\d\1[0-3]\d")
_WORD_BEFORE = 40
_NOT_IN_PHONES = frozenset(",=*%$€£:;")
_TRUNK = re.compile(r"\(0\)")


def find_emails(view: View) -> Iterator[Hit]:
    """Addresses around each `@`, except those that RFC 2606 reserves for examples."""
    at = view.text.find("@")
    while at >= 0:
        hit = _email_around(view.text, at)
        if hit:
            yield hit
        at = view.text.find("@", at + 1)


def _email_around(text: str, at: int) -> Hit | None:
    if at == 0 or at + 3 >= len(text) or text[at - 1].isspace() or not text[at + 1].isalnum():
        return None
    local = _LOCAL_BACKWARDS.match(text[max(0, at - _MAX_LOCAL) : at][::-1])
    domain = _DOMAIN.match(text, at + 1, at + 1 + _MAX_DOMAIN)
    if local is None or domain is None or local.group()[::-1] in _NOT_A_PERSON:
        return None
    host, ending = domain.group().lower(), domain.group(1).lower()
    if ending in _FILE_ENDINGS or _RESERVED.search(host):
        return None
    start = at - len(local.group())
    if text[start - 1 : start] == ":" and _LOGIN.search(text, max(0, start - _MAX_LOCAL), start):
        return None  # the password and the host of `postgres://user:password@host`
    return Hit(start, domain.end(), CERTAIN)


def find_disguised_emails(view: View) -> Iterator[Hit]:
    """Addresses with `at` and `dot` in words or brackets, or blanks around the signs."""
    if not _may_be_disguised(view):
        return
    for start, end in _near_marks(view.lower):
        for match in _DISGUISED.finditer(view.lower, start, end):
            host = re.sub(_DOT, ".", match.group(2))
            is_disguised = match.group(3) in _COMMON_TLDS and _DISGUISE_MARK.search(match.group())
            if is_disguised and not _RESERVED.search(host):
                yield Hit(match.start(), match.end(), LIKELY)


def _near_marks(lower: str) -> Iterator[Span]:
    """The places around disguises; those that overlap as one, so that no character is looked at twice."""
    start, end = 0, -1
    for mark in _DISGUISES.finditer(lower):
        if mark.start() - _MAX_LOCAL > end:
            if end >= 0:
                yield Span(start, end)
            start = max(0, mark.start() - _MAX_LOCAL)
        end = mark.end() + _MAX_DISGUISED_DOMAIN
    if end >= 0:
        yield Span(start, end)


def _may_be_disguised(view: View) -> bool:
    """Literal searches, cheapest first; a pattern is only tried where one of them is found."""
    lower = view.lower
    if " dot " in lower or (view.traits & AT and (" @" in lower or "@ " in lower)):
        return True
    if "(" in lower and ("(at" in lower or "( at" in lower or "(dot" in lower):
        return True
    if "{" in lower and ("{at}" in lower or "{ at" in lower or "{dot" in lower):
        return True
    return "[" in lower and ("[at" in lower or "[ at" in lower or "[dot" in lower)


def find_phones(view: View) -> Iterator[Hit]:
    """Numbers with a country code, in a national form that nothing else has, or beside a word for telephone."""
    told = places(view.lower, around(view.runs, len(view.text), _WORD_BEFORE, 0), _WORDS)
    for run in view.runs:
        if run.end - run.start == 10 and _ISO_DATE.match(view.text, run.start):
            continue
        hit = _international(view, run) or _national(view, run) or _told(view, run, told)
        if hit:
            yield hit


def _international(view: View, run: Span) -> Hit | None:
    """`+` or `00`, a country code, and as many digits as that country's plan has."""
    text = view.text
    before = text[max(0, run.start - 2) : run.start].rstrip("( ")
    if before.endswith("+"):
        start = run.start
    elif text.startswith("00", run.start) and text[run.start + 2 : run.start + 3] not in ("", ".", "0"):
        start = run.start + 2
    else:
        return _international_within(view, run)
    return _planned(text, start, run)


def _international_within(view: View, run: Span) -> Hit | None:
    plus = view.text.find("+", run.start, run.end)
    while plus >= 0:
        if not view.text[plus - 1].isdigit():
            hit = _planned(view.text, plus + 1, run)
            if hit:
                return hit
        plus = view.text.find("+", plus + 1, run.end)
    return None


def _planned(text: str, start: int, run: Span) -> Hit | None:
    written = _TRUNK.sub("", text[start : min(run.end, start + 32)])
    groups = re.match(r"\d+(?:[ ().\-/]{1,3}\d+)*", written)
    if groups is None:
        return None
    digits, ends = "", []
    for group in re.findall(r"\d+", groups.group()):
        digits += group
        ends.append(len(digits))
    for size in (1, 2, 3):
        plan = _PLANS.get(digits[:size])
        if plan and any(plan[0] <= end - size <= plan[1] for end in ends):
            return Hit(start, min(run.end, start + 32), CERTAIN)
    return None


def _national(view: View, run: Span) -> Hit | None:
    text, start = view.text, max(0, run.start - 1)
    for form in (_NANP, _FRENCH):
        match = form.search(text, start, run.end)
        if match and not text[max(0, match.start() - 2) : match.start()].rstrip("-. ").endswith(tuple("0123456789")):
            return Hit(match.start(), match.end(), POSSIBLE)
    return None


def _is_glued(text: str, run: Span) -> bool:
    """Part of something longer, as `call_1382951198344a2e` is an id; an extension (`x12`) may stand behind a number."""
    before, behind = text[max(0, run.start - 1) : run.start], text[run.end : run.end + 1]
    return before.isalpha() or (behind.isalpha() and behind not in "xX")


def _told(view: View, run: Span, told: Sequence[int]) -> Hit | None:
    word = bisect_left(told, run.start - _WORD_BEFORE)
    is_told = word < len(told) and told[word] < run.start
    if not is_told or view.shape.count(b"0", run.start, run.end) > 15 or _is_glued(view.text, run):
        return None
    written = view.text[run.start : run.end]
    if _DATE.search(written) or set(written) & _NOT_IN_PHONES:
        return None
    return Hit(run.start, run.end, POSSIBLE)
