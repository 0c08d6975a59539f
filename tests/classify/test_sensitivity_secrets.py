"""Keys, private keys, passwords and logins; all of them put together at run time."""

import random
import re
import string

import pytest
from invented import random_key

from gateway.classify.detectors_secrets import VENDOR_KEYS
from gateway.classify.sensitivity import scan

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"
# Vendor to the parts of a key of its form; joined only when a test runs.
SAMPLES = {
    "openai": ("sk-", "proj-", random_key(48)),
    "openai_legacy": ("sk-", random_key(48)),
    "anthropic": ("sk-", "ant-api03-", random_key(40)),
    "openrouter": ("sk-", "or-v1-", random_key(64, alphabet=HEX)),
    "langsmith": ("lsv2_", "pt_", random_key(32, alphabet=HEX), "_", random_key(10, alphabet=HEX)),
    "aws_key_id": ("AK", "IA", random_key(16, alphabet=UPPER)),
    "aws_key_id_lower": ("ak", "ia", random_key(16, alphabet=UPPER).lower()),
    "aws_bedrock": ("AB", "SK", random_key(110)),
    "github": ("gh", "p_", random_key(36)),
    "github_fine_grained": ("github", "_pat_", random_key(22), "_", random_key(59)),
    "gitlab": ("gl", "pat-", random_key(20)),
    "slack": ("xo", "xb-", random_key(12, alphabet=string.digits), "-", random_key(24)),
    "slack_app": ("xa", "pp-1-", random_key(11), "-", random_key(30)),
    "slack_hook": (
        "https://hooks.",
        "slack.com/services/",
        "T0",
        random_key(8),
        "/B0",
        random_key(8),
        "/",
        random_key(24),
    ),
    "discord_hook": (
        "https://discord",
        ".com/api/webhooks/",
        random_key(18, alphabet=string.digits),
        "/",
        random_key(68),
    ),
    "google_api": ("AI", "za", random_key(35)),
    "google_oauth_secret": ("GOC", "SPX-", random_key(28)),
    "google_oauth_token": ("ya", "29.", random_key(60)),
    "google_refresh": ("1/", "/0", random_key(40)),
    "stripe": ("sk_", "live_", random_key(24)),
    "stripe_hook": ("wh", "sec_", random_key(32)),
    "hugging_face": ("h", "f_", random_key(34, alphabet=string.ascii_letters)),
    "sendgrid": ("S", "G.", random_key(22), ".", random_key(43)),
    "mailgun": ("ke", "y-", random_key(32, alphabet=HEX)),
    "mailchimp": (random_key(32, alphabet=HEX), "-us", "12"),
    "npm": ("np", "m_", random_key(36)),
    "pypi": ("py", "pi-", "AgEIcHlwaS5vcmc", random_key(60)),
    "rubygems": ("ruby", "gems_", random_key(48, alphabet=HEX)),
    "twilio": ("S", "K", random_key(32, alphabet=HEX)),
    "digitalocean": ("do", "p_v1_", random_key(64, alphabet=HEX)),
    "databricks": ("da", "pi", random_key(32, alphabet=HEX)),
    "shopify": ("sh", "pat_", random_key(32, alphabet=HEX)),
    "square": ("sq0", "atp-", random_key(22)),
    "telegram": (random_key(9, alphabet="123456789"), ":A", "A", random_key(33)),
    "groq": ("gs", "k_", random_key(52)),
    "xai": ("xa", "i-", random_key(40), "_", random_key(39)),
    "replicate": ("r", "8_", random_key(37)),
    "perplexity": ("pp", "lx-", random_key(48)),
    "nvidia": ("nv", "api-", random_key(64)),
    "notion": ("nt", "n_", random_key(46)),
    "linear": ("lin", "_api_", random_key(40)),
    "figma": ("fi", "gd_", random_key(40)),
    "airtable": ("pa", "t", random_key(14), ".", random_key(64, alphabet=HEX)),
    "atlassian": ("ATA", "TT3", random_key(180)),
    "doppler": ("dp.", "pt.", random_key(43)),
    "vault": ("hv", "s.", random_key(24)),
    "terraform": (random_key(14), ".atlas", "v1.", random_key(67)),
    "grafana": ("gl", "c_", random_key(60)),
    "new_relic": ("NR", "AK-", random_key(27)),
    "sentry": ("sn", "trys_", random_key(60)),
    "postman": ("PM", "AK-", random_key(24, alphabet=HEX), "-", random_key(34, alphabet=HEX)),
    "pulumi": ("pu", "l-", random_key(40, alphabet=HEX)),
    "planetscale": ("ps", "cale_tkn_", random_key(43)),
    "supabase": ("sb", "p_", random_key(40, alphabet=HEX)),
    "docker": ("dck", "r_pat_", random_key(27)),
    "dropbox": ("s", "l.", random_key(130)),
    "easypost": ("EZ", "AK", random_key(54)),
    "brevo": ("xkey", "sib-", random_key(64, alphabet=HEX), "-", random_key(16)),
    "age": ("AGE-", "SECRET-KEY-1", random_key(58, alphabet=string.ascii_uppercase + string.digits)),
    "azure_entra": (random_key(3), "8", "Q~", random_key(34)),
    "json_web_token": ("ey", "J", random_key(20), ".ey", "J", random_key(40), ".", random_key(43)),
    "json_web_encryption": ("ey", "J", random_key(30), "..", random_key(16), ".", random_key(40), ".", random_key(22)),
    "hubspot": ("pa", "t-na1-", "1f3b5c7d-2e4a-4b6c-8d0e-9a1b2c3d4e5f"),
    "alibaba": ("LT", "AI", random_key(20)),
    "sonar": ("sq", "p_", random_key(40, alphabet=HEX)),
    "sourcegraph": ("sg", "p_", random_key(40, alphabet=HEX)),
    "typeform": ("tf", "p_", random_key(44)),
    "tailscale": ("ts", "key-auth-", random_key(12), "-", random_key(24)),
    "launchdarkly": ("sd", "k-", "1f3b5c7d-2e4a-4b6c-8d0e-9a1b2c3d4e5f"),
    "posthog": ("ph", "x_", random_key(43)),
    "prefect": ("pn", "u_", random_key(36)),
    "buildkite": ("bk", "ua_", random_key(40, alphabet=HEX)),
    "mongodb_atlas": ("mdb", "_sa_sk_", random_key(40)),
    "nuget": ("oy", "2", random_key(43, alphabet=string.ascii_lowercase + string.digits)),
    "shippo": ("ship", "po_live_", random_key(40, alphabet=HEX)),
}


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan(text).findings}


@pytest.mark.parametrize("parts", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("frame", ["{}", "why does {} fail?", "client = Client('{}')", "export X={}\n", '{{"a":"{}"}}'])
def test_a_vendor_key_is_found(parts, frame):
    assert "api_key" in kinds(frame.format("".join(parts)))


@pytest.mark.parametrize(("name", "pattern"), VENDOR_KEYS, ids=[name for name, _ in VENDOR_KEYS])
def test_every_vendor_in_the_table_has_a_sample_that_meets_its_own_pattern(name, pattern):
    assert re.search(pattern, "".join(SAMPLES[name]))


@pytest.mark.parametrize(
    "frame",
    [
        "api_key = '{}'",
        "API-Key: {}",
        "Authorization: Bearer {}",
        "client_secret={}",
        "the access token is {}",
        'headers = {{"X-Auth-Token": "{}"}}',
        "my secret key: {}",
        "?sig=1&token={}",
        "aws_secret_access_key = {}",
        "AccountKey={}",
    ],
)
@pytest.mark.parametrize("value", [random_key(32, alphabet=HEX), random_key(40), random_key(24) + "7x9"])
def test_a_random_string_that_is_called_a_key_is_found(frame, value):
    assert "api_key" in kinds(frame.format(value))


@pytest.mark.parametrize("kind", ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""])
def test_a_private_key_with_a_body_is_found(kind):
    lines = "\n".join(random_key(64, seed) for seed in range(6))
    text = f"-----BEGIN {kind}PRI" + f"VATE KEY-----\n{lines}\n-----END {kind}PRI" + "VATE KEY-----"
    assert "private_key" in kinds(text)
    assert "private_key" in kinds(text.replace("\n", "\\n"))


def test_a_putty_key_and_a_pgp_block_are_found():
    body = "\n".join(random_key(64, seed) for seed in range(4))
    assert "private_key" in kinds("PuTTY-User-" + "Key-File-3: ssh-ed25519\n" + body)
    assert "private_key" in kinds("-----BEGIN PGP PRI" + f"VATE KEY BLOCK-----\nVersion: 1\n\n{body}")


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2!x",
        "DB_PASSWORD=Kx7-plinth-92",
        'password = "correct horse9"',
        "the password is Tulip#2041",
        "pwd=s3cr3t99;",
        "my passphrase is tulip-garden-42",
        "Passwort: Gl0ckenturm!",
        "das Kennwort lautet Gl0ckenturm7",
        "contraseña: Mariposa-77",
        "mot de passe: Papill0n!77",
        "пароль: Babochka77!",
        "密码是 hudie7788x",
        "wachtwoord is Vlinder88",
        "--password 'Vl1nder!88'",
        "senha=Borbol3ta!",
    ],
)
def test_a_password_is_found(text):
    assert "password" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgres://gear:Vl1nder88@db.northwind-gears.eu:5432/shop",
        "https://mira:Vl1nder88@northwind-gears.eu/",
        "redis://:Vl1nder88@cache:6379",
        "curl -u mira:Vl1nder88 http://intranet/",
        "mongodb+srv://mira:Vl1nder88@cluster0.abcde.mongodb.net/",
    ],
)
def test_a_login_in_a_url_or_on_a_command_line_is_found(text):
    assert "password" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "sk-" + "x" * 48,
        "set OPENAI_API_KEY to your key, it begins with sk-",
        "api_key = os.environ['OPENAI_API_KEY']",
        "token = request.headers.get('authorization')",
        "the key to success is perseverance",
        "a primary key is userIdentifierColumnName",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "integrity='sha384-" + random_key(64) + "'",
        "id 1f3b5c7d-2e4a-4b6c-8d0e-9a1b2c3d4e5f",
        "password = input('Password: ')",
        "password=${DB_PASSWORD}",
        "def check(password: str) -> bool:",
        "password: <your password>",
        "Forgot your password? Reset the password in settings.",
        "the password is required",
        "password must be at least 12 characters",
        "postgres://user:password@localhost/db",
        "https://northwind-gears.eu:8443/path",
        "-----BEGIN PUBLIC KEY-----\n" + random_key(64) + "\n-----END PUBLIC KEY-----",
        "a PEM file starts with -----BEGIN RSA PRI" + "VATE KEY-----",
        "compass, bypass and passage: 12345",
        "tokenizer.decode(ids) with max_tokens=1024",
    ],
)
def test_what_only_speaks_of_secrets_is_nothing(text):
    assert kinds(text) == set()


def test_many_random_words_of_code_are_nothing():
    dice = random.Random(2)
    names = ("user", "order", "key", "token", "pass", "item", "count", "index", "secret", "value")
    code = "\n".join(
        f"{dice.choice(names)}_{dice.choice(names)} = {dice.choice(names)}[{dice.randrange(99)}]" for _ in range(300)
    )
    assert kinds(code) == set()
