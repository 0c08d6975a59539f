"""Credentials: keys with their vendors' prefixes, keys beside a word for one, private keys and passwords."""

import re
from collections.abc import Iterator

from gateway.classify.hits import CERTAIN, LIKELY, POSSIBLE, Hit
from gateway.classify.view import AT, View

# Vendor, pattern. Prefixes and lengths are from the vendors' documentation; where it names no length, the usual one.
VENDOR_KEYS: tuple[tuple[str, str], ...] = (
    ("openai", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}"),
    ("openai_legacy", r"sk-[A-Za-z0-9]{32,}"),
    ("anthropic", r"sk-ant-[A-Za-z0-9_-]{20,}"),
    ("openrouter", r"sk-or-[A-Za-z0-9_-]{20,}"),
    ("langsmith", r"ls(?:v2_)?(?:_?pt|_?sk)?__?[a-f0-9]{32}[A-Za-z0-9_]*"),
    ("aws_key_id", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Z0-9])"),
    ("aws_key_id_lower", r"(?:akia|asia)(?=[a-z]*[2-7])[a-z2-7]{16}(?![a-z0-9])"),
    ("aws_bedrock", r"ABSK[A-Za-z0-9+/]{100,}"),
    ("github", r"gh[pousr]_[A-Za-z0-9]{30,}"),
    ("github_fine_grained", r"github_pat_[A-Za-z0-9_]{40,}"),
    ("gitlab", r"gl(?:pat|ptt|dt|rt|soat|ft|cbt|imt|agent|oas|ffct)-[A-Za-z0-9_-]{20,}"),
    ("slack", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("slack_app", r"xapp-\d-[A-Za-z0-9-]{20,}"),
    ("slack_hook", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{20,}"),
    ("discord_hook", r"discord(?:app)?\.com/api/webhooks/\d{15,}/[A-Za-z0-9_-]{40,}"),
    ("google_api", r"AIza[A-Za-z0-9_-]{35}"),
    ("google_oauth_secret", r"GOCSPX-[A-Za-z0-9_-]{20,}"),
    ("google_oauth_token", r"ya29\.[A-Za-z0-9_-]{20,}"),
    ("google_refresh", r"1//0[A-Za-z0-9_-]{30,}"),
    ("stripe", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("stripe_hook", r"whsec_[A-Za-z0-9+/]{24,}"),
    ("hugging_face", r"(?:hf_|api_org_)[A-Za-z]{30,}"),
    ("sendgrid", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,}"),
    ("mailgun", r"key-[a-f0-9]{32}(?![A-Za-z0-9])"),
    ("mailchimp", r"[a-f0-9]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    ("npm", r"npm_[A-Za-z0-9]{36}"),
    ("pypi", r"pypi-AgE[A-Za-z0-9_-]{40,}"),
    ("rubygems", r"rubygems_[a-f0-9]{48}"),
    ("twilio", r"(?:SK|AC)[a-f0-9]{32}(?![A-Za-z0-9])"),
    ("digitalocean", r"do[opr]_v1_[a-f0-9]{64}"),
    ("databricks", r"dapi[a-f0-9]{32}(?:-\d)?(?![A-Za-z0-9])"),
    ("shopify", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    ("square", r"(?:EAAA[A-Za-z0-9_-]{56,}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,})"),
    ("telegram", r"\d{8,10}:AA[A-Za-z0-9_-]{32,}"),
    ("groq", r"gsk_[A-Za-z0-9]{40,}"),
    ("xai", r"xai-[A-Za-z0-9_-]{60,}"),
    ("replicate", r"r8_[A-Za-z0-9]{30,}"),
    ("perplexity", r"pplx-[A-Za-z0-9]{40,}"),
    ("nvidia", r"nvapi-[A-Za-z0-9_-]{40,}"),
    ("notion", r"(?:ntn_|secret_)[A-Za-z0-9]{40,}"),
    ("linear", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    ("figma", r"figd_[A-Za-z0-9_-]{36,}"),
    ("airtable", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("atlassian", r"ATATT3[A-Za-z0-9_-]{50,}"),
    ("doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}"),
    ("vault", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    ("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}"),
    ("grafana", r"gl(?:c|sa)_[A-Za-z0-9_+/]{32,}"),
    ("new_relic", r"NR(?:AK|JS|II|RA|BR)-[A-Za-z0-9_-]{20,}"),
    ("sentry", r"sntr(?:ys|yu)_[A-Za-z0-9_+/=]{40,}"),
    ("postman", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("pulumi", r"pul-[a-f0-9]{40}"),
    ("planetscale", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,}"),
    ("supabase", r"sb(?:p|_secret|_publishable)_[A-Za-z0-9_]{20,}"),
    ("docker", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    ("dropbox", r"sl\.[A-Za-z0-9_-]{100,}"),
    ("easypost", r"EZ[AT]K[A-Za-z0-9]{50,}"),
    ("brevo", r"xkeysib-[a-f0-9]{64}"),
    ("age", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    ("hubspot", r"pat-(?:na|eu|ap)\d-[a-f0-9]{8}-[a-f0-9-]{27}"),
    ("alibaba", r"LTAI[A-Za-z0-9]{12,26}(?![A-Za-z0-9])"),
    ("sonar", r"sq[apu]_[a-f0-9]{40}"),
    ("sourcegraph", r"sgp_[A-Za-z0-9_]{40,}"),
    ("typeform", r"tfp_[A-Za-z0-9_-]{40,}"),
    ("tailscale", r"tskey-[a-z]{3,12}-[A-Za-z0-9-]{16,}"),
    ("launchdarkly", r"(?:sdk|mob|api)-[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}"),
    ("posthog", r"phx_[A-Za-z0-9_-]{40,}"),
    ("prefect", r"pn[ub]_[A-Za-z0-9]{36}"),
    ("buildkite", r"bkua_[a-f0-9]{40}"),
    ("mongodb_atlas", r"mdb_sa_sk_[A-Za-z0-9_-]{40,}"),
    ("nuget", r"oy2[a-z0-9]{43}(?![a-z0-9])"),
    ("shippo", r"shippo_(?:live|test)_[a-f0-9]{40}"),
    ("azure_entra", r"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}"),
    ("json_web_token", r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"),
    ("json_web_encryption", r"eyJ[A-Za-z0-9_-]{15,}(?:\.[A-Za-z0-9_-]*){3}\.[A-Za-z0-9_-]{16,}"),
)
_VENDOR = re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(pattern for _, pattern in VENDOR_KEYS) + ")")

_MEANT_AS_SECRET = re.compile(
    r"(?:api|app|access|auth|account|client|consumer|private|secret|signing|encryption|storage|master|license|service"
    r"|shared|oauth|bearer|session|webhook|bot|integration|developer)?[\s_.-]{0,2}"
    r"(?:key|token|secret|bearer|credential|signature|pat|sas)s?[\s_.-]{0,2}"
    r"(?:key|token|id|value|string|base64|header)?[\"'`\])]{0,2}\s{0,3}(?:[:=]{1,2}>?|is|->|,|\s)\s{0,3}"
    r"(?:bearer\s+|basic\s+|token\s+)?[\"'`(\[]{0,3}\Z"
)
_KEY_WORDS = ("key", "token", "secret", "bearer", "credential", "signature", "pat", "sas")
_MIN_KEY_DIGITS = 3
_BEFORE_TOKEN = 11  # a Telegram bot's number and a colon
_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{32}")
_PUTTY = "PuTTY-User-Key-File-"

_PASSWORD_STEMS = ("pass", "pwd", "senha", "contras", "kennwort", "wachtwoord", "parola", "clave")
_FOREIGN_STEMS = ("парол", "hasło", "密码", "密碼", "パスワード", "비밀번호", "كلمة", "şifre", "lösenord", "heslo")
_ASSIGNED = re.compile(
    r"(?P<word>(?:pass(?:word|wd|phrase|code|wort|e)?|pwd|senha|contraseña|contrasena|kennwort|wachtwoord|parola|clave"
    r"|пароль|hasło|密码|密碼|パスワード|비밀번호|كلمة السر|كلمة المرور|şifre|lösenord|heslo)s?)"
    r"(?P<sign>[\"'`\]]{0,2}\s{0,3}(?::=|=>|==?|:|：|->)\s{0,3}"
    r"|\s{1,3}(?:is|was|ist|lautet|est|es|è|é|är|jest|to)\s{1,3}:?\s?"
    r"|[\"'`]?\s{1,3}|\s?(?:は|是|为)\s?)"
    r"(?P<quote>[\"'`]?)(?P<value>[^\s\"'`<>]{4,128})"
)
_REFERENCE = re.compile(
    r"[$%{\[(*<]|(?:os|process|env|config|settings|self|this|ctx|req|request|secrets|var|data|params|args|form|body|user"
    r"|input|getpass|get|field|models|string|str|optional|varchar|type|value|null|none|nil|true|false|undefined"
    r"|your|my|the|x{3,}|\.{3}|example|changeme|redacted|required|placeholder)(?![a-z0-9!#@&?-]*\d)[\w.(\[\]{}-]*",
)
_CODE = re.compile(r"[A-Za-z_][\w.]*(?:\[\w*\]|\()")  # an element of a list, a call
_URL_LOGIN = re.compile(r"[^\s:/@\"'<>]{0,64}:([^\s/@\"'<>]{3,100})@[\w.\[-]")
_CURL_LOGIN = re.compile(r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,64}:([^\s\"']{4,100})")


def find_vendor_keys(view: View) -> Iterator[Hit]:
    """Keys that say by their prefix whose they are."""
    for token in view.tokens:
        if view.text[token.start : token.end].islower() and b"0" not in view.shape[token.start : token.end]:
            continue  # words of code: a key of small letters has digits
        for match in _VENDOR.finditer(view.text, max(0, token.start - _BEFORE_TOKEN), token.end):
            if _is_varied(match.group()):
                yield Hit(match.start(), match.end(), CERTAIN)


def find_announced_keys(view: View) -> Iterator[Hit]:
    """Long random strings right after a word for a key."""
    for token in view.tokens:
        if view.shape.count(b"0", token.start, token.end) < _MIN_KEY_DIGITS:
            continue
        before = view.lower[max(0, token.start - 64) : token.start]
        is_told = any(word in before for word in _KEY_WORDS) and _MEANT_AS_SECRET.search(before)
        if is_told and _is_random(view.text[token.start : token.end]):
            yield Hit(token.start, token.end, LIKELY)


def _is_varied(value: str) -> bool:
    """Not a placeholder such as `sk-xxxxxxxx`."""
    return len(set(value[-20:])) >= 6


def _is_random(value: str) -> bool:
    """Letters and digits mixed, many of them different: no path, no word, no number."""
    digits = sum(char.isdigit() for char in value)
    return (
        digits >= 3 and digits < len(value) and len(set(value)) >= 8 and "/" not in value[1:4] and "www." not in value
    )


def find_private_keys(view: View) -> Iterator[Hit]:
    """PEM, OpenSSH, PGP and PuTTY private keys with a body; the header alone is only talked about."""
    if "-----BEGIN" in view.text:
        for match in _PEM.finditer(view.text):
            if _KEY_BODY.search(view.text, match.end(), match.end() + 600):
                yield Hit(match.start(), match.end(), CERTAIN)
    start = view.text.find(_PUTTY)
    if start >= 0:
        yield Hit(start, start + len(_PUTTY), LIKELY)


def find_passwords(view: View) -> Iterator[Hit]:
    """Values assigned to a word for password, in configuration or in a sentence."""
    stems = _PASSWORD_STEMS if view.lower.isascii() else _PASSWORD_STEMS + _FOREIGN_STEMS
    for stem in stems:
        start = view.lower.find(stem)
        while start >= 0:
            match = _ASSIGNED.match(view.lower, start)
            if match and _is_told(view.text, match):
                yield Hit(match.start("value"), match.end("value"), LIKELY)
            start = view.lower.find(stem, start + 1)


def _is_told(text: str, match: re.Match[str]) -> bool:
    value = text[match.start("value") : match.end("value")].rstrip(",;.)")
    return _is_password(value, match.group("sign").strip("\"'`] \t\n"), bool(match.group("quote")))


def _is_password(value: str, sign: str, is_quoted: bool) -> bool:
    """A value, not a reference to one; the less the sign says, the more the value must look like a password."""
    if len(value) < 4 or _REFERENCE.match(value.lower()) or (not is_quoted and _CODE.match(value)):
        return False
    kinds = (
        any(char.isdigit() for char in value)
        + any(char.isalpha() for char in value)
        + any(not char.isalnum() for char in value)
    )
    if not sign:
        return kinds == 3 and not value.startswith(("-", "(", "/", "http"))
    if not set(sign) & set(":=：->"):
        return kinds >= 2 and (any(char.isdigit() for char in value) or value.count("-") >= 2)
    return kinds >= 2 if not is_quoted else len(set(value)) >= 4


def _is_placeholder(password: str) -> bool:
    return password in ("password", "pass", "pwd") or _REFERENCE.match(password) is not None


def find_logins(view: View) -> Iterator[Hit]:
    """Credentials inside URLs, and on a curl command line."""
    start = view.lower.find("://") if view.traits & AT else -1
    while start >= 0:
        match = _URL_LOGIN.match(view.lower, start + 3) if start else None
        if match and view.lower[start - 1].isalnum() and not _is_placeholder(match.group(1)):
            yield Hit(match.start(1), match.end(1), CERTAIN)
        start = view.lower.find("://", start + 3)
    if "curl" in view.lower:
        for match in _CURL_LOGIN.finditer(view.lower):
            if not _REFERENCE.match(match.group(1)):
                yield Hit(match.start(1), match.end(1), POSSIBLE)
