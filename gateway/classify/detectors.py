"""The table of detectors: adding one is a row here and its test."""

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
from gateway.classify.hits import Detector

DETECTORS: tuple[Detector, ...] = (
    Detector("card", "card", find_cards),
    Detector("iban", "iban", find_ibans),
    Detector("national id in digits", "national_id", find_digit_ids),
    Detector("national id with letters", "national_id", find_letter_ids),
    Detector("e-mail", "email", find_emails),
    Detector("disguised e-mail", "email", find_disguised_emails),
    Detector("phone", "phone", find_phones),
    Detector("vendor key", "api_key", find_vendor_keys),
    Detector("announced key", "api_key", find_announced_keys),
    Detector("private key", "private_key", find_private_keys),
    Detector("password", "password", find_passwords),
    Detector("login in a url", "password", find_logins),
)
