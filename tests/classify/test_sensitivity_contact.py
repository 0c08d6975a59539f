"""E-mail addresses, plain and disguised, and telephone numbers; and what only looks like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.sensitivity import scan

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan(text).findings}


@given(
    WORD,
    WORD,
    WORD.filter(lambda word: not word.startswith("example")),
    st.sampled_from(["com", "eu", "co.uk", "museum", "xn--p1ai"]),
)
def test_an_address_is_found(first, last, host, ending):
    assert "email" in kinds(f"write to {first}.{last}@{host}x.{ending}, please")


@pytest.mark.parametrize(
    "text",
    [
        "Mira <mira.oldenkott@northwind-gears.eu>",
        "mailto:mira@northwind-gears.eu?subject=hi",
        "mira+invoices@northwind-gears.eu",
        "MIRA@NORTHWIND-GEARS.EU",
        "ssh deploy@build.northwind-gears.eu",
        "(mira_o@northwind-gears.eu)",
        "mira@büro-oldenkott.de",
        '{"to":"mira@northwind-gears.eu"}',
        "mira dot oldenkott at northwind dot eu",
        "mira(at)northwind-gears.eu",
        "mira [at] northwind-gears [dot] eu",
        "mira @ northwind-gears . com",
        "mira AT northwind-gears DOT com",
        "mira {at} northwind-gears {dot} com",
    ],
)
def test_an_address_is_found_however_it_is_written(text):
    assert "email" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "mail user@example.com or admin@test.example.org",
        "root@localhost, git@github.com:acme/app.git",
        "the logo is icon@2x.png",
        "@dataclass and @app.get('/x') are decorators",
        "follow @industryexperts. It pays",
        "3 apples @ 2.50 each",
        "meet at noon dot",
        "lines end in a dot, at the end of the page",
        "a @ b in numpy is matrix multiplication",
        "npm i @types/node@20.1.0",
        "the ratio 5@7",
    ],
)
def test_what_is_no_address_is_nothing(text):
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "+49 30 23125 1234",
        "+1 (415) 867-2671",
        "+44 20 7293 0972",
        "+44 (0)20 7293 0972",
        "+33 6 12 34 56 78",
        "+31612345678",
        "0031 6 12345678",
        "+91-98765-43210",
        "+86 138 1234 5678",
        "(415) 867-2671",
        "415-867-2671",
        "06 12 34 56 78",
        "call me on 0170 1234567",
        "Tel.: 030/2312512",
        "phone=4158672671",
        "mijn telefoon is 06-12345678",
        "mi teléfono es 612 345 678",
        "телефон 8 912 345 67 89",
        "電話 03-1234-5678",
        "WhatsApp 0612345678",
        "my cell is 4158672671",
    ],
)
def test_a_telephone_number_is_found(text):
    assert "phone" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4158672671 is late",
        "we sold 1 234 567 pieces",
        "from 2026-03-11 to 2026-04-12",
        "at 10:11:12 and 11:12:13",
        "version 10.11.12.1314",
        "the function was called 1234567 times: total=1234567",
        "1+1=2 and 10000000+20000000=30000000",
        "model CEL1011640 in a cellar",
        "ISBN 978-3-16-148410-0",
        "call close_all(12345678, 9)",
        "ticket 100-200-3000",
        "x = [1234567, 2345678, 3456789]",
        "range 1000000-2000000",
    ],
)
def test_what_is_no_telephone_number_is_nothing(text):
    assert kinds(text) == set()


@pytest.mark.parametrize("made", ["1382951198344a2e9f275b72", "a2e9f275b721382951198344", "9f1382951198344a2e275b72"])
def test_the_id_of_a_tool_call_is_no_telephone_number(made):
    assert "phone" not in kinds(f"call_{made}")


def test_the_password_and_the_host_of_a_login_are_no_address():
    assert kinds("postgres://svc_app:" + "e5fBMNUr" + "@db-18.northwind-gears.eu:5432/prod") == {"password"}
