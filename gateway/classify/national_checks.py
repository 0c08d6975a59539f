"""Validity rules of national identification numbers, one function a country, over bare upper-case characters.

Sources: the issuing authorities' published structure of each number. Dates are checked to the day of the month only.
"""

from gateway.classify.checksums import ean13, luhn, mod_11_10, verhoeff, weighted

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CN_CHECKS = "10X98765432"
_CF_MONTHS = "ABCDEHLMPRST"
_CF_ODD = {
    **dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
    **dict(zip("ABCDEFGHIJ", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
    **dict(zip("KLMNOPQRSTUVWXYZ", (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23), strict=True)),
}
_NRIC_LETTERS = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT"}


def _day(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def us_ssn(d: str) -> bool:
    """Area, group and serial that the Social Security Administration issues, and the IRS's ITIN ranges."""
    area, group, serial = int(d[:3]), int(d[3:5]), int(d[5:])
    if area >= 900:
        return 50 <= group <= 99 and group not in (89, 93)
    return area not in (0, 666) and group != 0 and serial != 0


def ca_sin(d: str) -> bool:
    return d[0] not in "08" and luhn(d)


def uk_nhs(d: str) -> bool:
    return (11 - weighted(d, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 11 == int(d[9])


def uk_nino(t: str) -> bool:
    return t[0] not in "DFIQUV" and t[1] not in "DFIOQUV" and t[:2] not in _NINO_UNUSED and t[8] in "ABCD"


_NINO_UNUSED = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def de_tax_id(d: str) -> bool:
    """Eleven digits: of the first ten exactly one occurs twice or three times; ISO 7064 MOD 11,10."""
    counts = sorted(d[:10].count(digit) for digit in set(d[:10]))
    return d[0] != "0" and counts[-1] in (2, 3) and (len(counts) == 1 or counts[-2] == 1) and mod_11_10(d)


def fr_nir(d: str) -> bool:
    """Sex, year, month, department, commune, order; key = 97 - number mod 97. Corsica's letters are not read here."""
    month = int(d[3:5])
    return d[0] in "123478" and (1 <= month <= 12 or 20 <= month <= 42) and 97 - int(d[:13]) % 97 == int(d[13:])


def nl_bsn(d: str) -> bool:
    return d != "000000000" and (weighted(d, (9, 8, 7, 6, 5, 4, 3, 2)) - int(d[8])) % 11 == 0


def be_nn(d: str) -> bool:
    key = int(d[9:])
    dated = 0 <= int(d[2:4]) <= 12 and int(d[4:6]) <= 31
    return dated and key in (97 - int(d[:9]) % 97, 97 - int("2" + d[:9]) % 97)


def at_svnr(d: str) -> bool:
    check = weighted(d[:3] + d[4:], (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11
    return check == int(d[3]) and 1 <= int(d[4:6]) <= 31 and 1 <= int(d[6:8]) <= 15


def ch_ahv(d: str) -> bool:
    return d.startswith("756") and ean13(d)


def es_dni(t: str) -> bool:
    return t[8] == _DNI_LETTERS[int(t[:8]) % 23]


def es_nie(t: str) -> bool:
    return t[0] in "XYZ" and t[8] == _DNI_LETTERS[int(str("XYZ".index(t[0])) + t[1:8]) % 23]


def pt_nif(d: str) -> bool:
    check = 11 - weighted(d, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return d[0] in "1235689" and int(d[8]) == (0 if check >= 10 else check)


def it_cf(t: str) -> bool:
    """Codice fiscale: month letter, day (women plus 40), check letter over odd and even places."""
    if t[8] not in _CF_MONTHS or not (1 <= int(t[9:11]) <= 31 or 41 <= int(t[9:11]) <= 71):
        return False
    odd = sum(_CF_ODD[char] for char in t[0:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in t[1:15:2])
    return chr(65 + (odd + even) % 26) == t[15]


def pl_pesel(d: str) -> bool:
    month = int(d[2:4]) % 20
    total = weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))
    return 1 <= month <= 12 and 1 <= int(d[4:6]) <= 31 and total % 10 == 0


def se_pnr(d: str) -> bool:
    """Ten digits, or twelve with the century; coordination numbers add 60 to the day."""
    short = d[-10:]
    return _day(str((int(short[4:6]) - 1) % 60 + 1), short[2:4]) and luhn(short) and len(d) in (10, 12)


def fi_hetu(t: str) -> bool:
    """DDMMYY, a sign for the century, three digits, a check character modulo 31; `t` keeps the sign."""
    return _day(t[:2], t[2:4]) and t[10] == _HETU_LETTERS[int(t[:6] + t[7:10]) % 31]


def fi_hetu_digits(d: str) -> bool:
    """A Finnish number whose check character happens to be a digit."""
    return fi_hetu(d[:6] + "-" + d[6:])


def dk_cpr(d: str) -> bool:
    return _day(d[:2], d[2:4])


def no_fnr(d: str) -> bool:
    first = -weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    dated = 1 <= int(d[:2]) % 40 <= 31 and 1 <= int(d[2:4]) % 40 <= 12
    return dated and (first, second) == (int(d[9]), int(d[10]))


def cz_rc(d: str) -> bool:
    month = int(d[2:4]) % 50 % 20
    return int(d) % 11 == 0 and 1 <= month <= 12 and 1 <= int(d[4:6]) <= 31


def ro_cnp(d: str) -> bool:
    check = weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return d[0] != "0" and _day(d[5:7], d[3:5]) and int(d[12]) == (1 if check == 10 else check)


def bg_egn(d: str) -> bool:
    dated = 1 <= int(d[2:4]) % 20 <= 12 and 1 <= int(d[4:6]) <= 31
    return dated and weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(d[9])


def gr_amka(d: str) -> bool:
    return _day(d[:2], d[2:4]) and luhn(d)


def ie_pps(t: str) -> bool:
    total = weighted(t, (8, 7, 6, 5, 4, 3, 2)) + (9 * (ord(t[8]) - 64) if len(t) == 9 and t[8] != "W" else 0)
    return t[7] == "WABCDEFGHIJKLMNOPQRSTUV"[total % 23]


def br_cpf(d: str) -> bool:
    first = weighted(d, (10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(d, (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return len(set(d)) > 1 and d[9:] == f"{first}{second}"


def in_aadhaar(d: str) -> bool:
    return d[0] not in "01" and verhoeff(d)


def in_pan(t: str) -> bool:
    return t[3] in "ABCFGHJLPT"


def cn_rid(t: str) -> bool:
    """Resident identity number: region, birth date, ISO 7064 MOD 11-2."""
    total = weighted(t, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return (
        t[0] in "12345689"
        and t[6:8] in ("18", "19", "20")
        and _day(t[12:14], t[10:12])
        and (_CN_CHECKS[total % 11] == t[17])
    )


def jp_my_number(d: str) -> bool:
    check = weighted(d, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(d[11]) == (0 if check <= 1 else 11 - check)


def kr_rrn(d: str) -> bool:
    check = (11 - weighted(d, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return _day(d[4:6], d[2:4]) and d[6] in "12345678" and check == int(d[12])


def au_tfn(d: str) -> bool:
    return d != "000000000" and weighted(d, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def tr_kimlik(d: str) -> bool:
    odd, even = weighted(d, (1, 0, 1, 0, 1, 0, 1, 0, 1)), weighted(d, (0, 1, 0, 1, 0, 1, 0, 1))
    return d[0] != "0" and (odd * 7 - even) % 10 == int(d[9]) and (odd + even + int(d[9])) % 10 == int(d[10])


def za_id(d: str) -> bool:
    return _day(d[4:6], d[2:4]) and d[10] in "012" and luhn(d)


def il_id(d: str) -> bool:
    return len(set(d)) > 1 and luhn(d)


def ru_snils(d: str) -> bool:
    check = weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 101 % 100
    return check == int(d[9:])


def cl_rut(t: str) -> bool:
    check = -weighted(t[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3)) % 11
    return t[-1] == ("K" if check == 10 else str(check))


def sg_nric(t: str) -> bool:
    total = weighted(t[1:8], (2, 7, 6, 5, 4, 3, 2))
    return t[0] in _NRIC_LETTERS and t[8] == _NRIC_LETTERS[t[0]][total % 11]


def mx_curp(t: str) -> bool:
    """Initials, birth date, sex, state; check digit over an alphabet with Ñ."""
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(alphabet.index(char) * (18 - place) for place, char in enumerate(t[:17]))
    return t[10] in "HMX" and _day(t[8:10], t[6:8]) and str(-total % 10) == t[17]


def hr_oib(d: str) -> bool:
    return mod_11_10(d)
