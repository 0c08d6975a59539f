"""The table of detectors: adding one is a row here and its test."""

from collections.abc import Sequence

from gateway.classify import lexicons, patterns
from gateway.classify.detectors_contact import find_disguised_emails, find_emails, find_phones
from gateway.classify.detectors_ids import find_digit_ids, find_letter_ids
from gateway.classify.detectors_money import find_cards, find_ibans
from gateway.classify.detectors_secrets import (
    find_announced_keys,
    find_logins,
    find_passwords,
    find_private_keys,
    find_vendor_keys,
)
from gateway.classify.document import BUSINESS, MEDICAL, find_private_prose
from gateway.classify.hits import Detector
from gateway.classify.names import ADDRESS, PERSON
from gateway.classify.names_weights import find_shipped_names
from gateway.classify.view import ASSIGNMENT, AT, DIGITS, RUNS, TOKENS
from gateway.core.labelling import Labelling

DETECTORS: tuple[Detector, ...] = (
    Detector("card", "card", find_cards, RUNS),
    Detector("iban", "iban", find_ibans, RUNS),
    Detector("national id in digits", "national_id", find_digit_ids, RUNS),
    Detector("national id with letters", "national_id", find_letter_ids, DIGITS),
    Detector("e-mail", "email", find_emails, AT),
    Detector("disguised e-mail", "email", find_disguised_emails),
    Detector("phone", "phone", find_phones, RUNS),
    Detector("vendor key", "api_key", find_vendor_keys, TOKENS),
    Detector("announced key", "api_key", find_announced_keys, TOKENS),
    Detector("private key", "private_key", find_private_keys, TOKENS),
    Detector("password", "password", find_passwords, ASSIGNMENT),
    Detector("login in a url", "password", find_logins, ASSIGNMENT),
    Detector("names and addresses", PERSON, find_shipped_names, also=(ADDRESS,), reads_prose=True),
    Detector("private prose", MEDICAL, find_private_prose, also=(BUSINESS,), reads_prose=True),
)


def detectors_for(labelling: Labelling, shipped: Sequence[Detector] = DETECTORS) -> tuple[Detector, ...]:
    """Those of the table that the policy looks for, and its own."""
    ignored = labelling.ignored
    wanted = tuple(each for each in shipped if not ignored.issuperset({each.kind, *each.also}))
    return (*wanted, *own_detectors(labelling))


def own_detectors(labelling: Labelling) -> tuple[Detector, ...]:
    return (*lexicons.detectors_of(labelling.lexicons), *patterns.detectors_of(labelling.patterns))
