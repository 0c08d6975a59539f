"""Check digits: whether a number could have been issued at all.

Every function takes the bare characters (no separators), upper case, and never raises on characters of its alphabet.
"""

from operator import mul

_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))  # twice, and the sum of its digits

# Verhoeff (1969): multiplication table of the dihedral group D5, and the permutation applied by position.
_D5 = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_VERHOEFF_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff_rows() -> tuple[tuple[int, ...], ...]:
    rows: list[tuple[int, ...]] = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(_VERHOEFF_STEP[value] for value in rows[-1]))
    return tuple(rows)


_VERHOEFF_BY_POSITION = _verhoeff_rows()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: payment cards, Canadian SIN, Swedish and Israeli numbers."""
    values = digits.encode()
    return (sum(values[::-2].translate(_VALUES)) + sum(values[-2::-2].translate(_DOUBLED))) % 10 == 0


def mod97(iban: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as 10 to 35, remainder 1."""
    number = "".join(str(int(char, 36)) for char in iban[4:] + iban[:4])
    return int(number) % 97 == 1


def verhoeff(digits: str) -> bool:
    """The dihedral check of Aadhaar numbers: catches every swap of neighbours."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        check = _D5[check][_VERHOEFF_BY_POSITION[position % 8][ord(digit) - 48]]
    return check == 0


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of digits times weights, over as many digits as there are weights."""
    return sum(map(mul, digits.encode().translate(_VALUES), weights))


def mod_11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10: German tax id, Croatian OIB."""
    product = 10
    for digit in digits[:-1]:
        total = (ord(digit) - 48 + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == ord(digits[-1]) - 48


def ean13(digits: str) -> bool:
    """Weights 1 and 3 in turn, modulo 10: Swiss AHV numbers."""
    return weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0
