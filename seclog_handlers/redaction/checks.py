"""Check digits of cards, accounts and national ids, each as its own definition has it."""

# ruff: noqa: PLR2004 - the numbers are those of each id's own definition
from __future__ import annotations


def luhn(digits: str) -> bool:
    """Check the Luhn check digit (ISO/IEC 7812)."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        value = int(character)
        if index % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def mod97(compact: str) -> bool:
    """Check an IBAN (ISO 13616): modulo 97."""
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def cpf(digits: str) -> bool:
    """Check Brazil's CPF, of a person."""
    for length in (9, 10):
        total = sum(int(d) * (length + 1 - i) for i, d in enumerate(digits[:length]))
        if (total * 10) % 11 % 10 != int(digits[length]):
            return False
    return len(set(digits)) > 1


def rut(digits: str) -> bool:
    """Chile's RUT and São Paulo's RG: both modulo 11, with weights of their own."""
    rut = -sum(int(d) * (2 + i % 6) for i, d in enumerate(reversed(digits[:8]))) % 11
    rg = -sum(int(d) * (2 + i) for i, d in enumerate(digits[:8])) % 11
    return int(digits[8]) in (rut, rg)


def cnpj(digits: str) -> bool:
    """Check Brazil's CNPJ, of a firm."""
    for length in (12, 13):
        total = sum(int(d) * (2 + i % 8) for i, d in enumerate(reversed(digits[:length])))
        if (0 if total % 11 < 2 else 11 - total % 11) != int(digits[length]):
            return False
    return len(set(digits)) > 1


def nhs(digits: str) -> bool:
    """Check an NHS number: modulo 11."""
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits[:9])) % 11
    return check % 11 == int(digits[9]) and check != 10


def ean(digits: str) -> bool:
    """Check Switzerland's AHV number: as an EAN."""
    return (10 - sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits[:12])) % 10) % 10 == int(digits[12])


def chinese(digits: str) -> bool:
    """Check a Chinese resident id (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=False)) % 11] == digits[17]


def verhoeff(digits: str) -> bool:
    """Check an Aadhaar number: Verhoeff's."""
    check = 0
    for index, digit in enumerate(reversed(digits)):
        check = _D[check][_P[index % 8][int(digit)]]
    return check == 0


_P = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _P.append([_P[1][value] for value in _P[-1]])
_D = [
    [(i + j) % 5 if i < 5 and j < 5 else (i + j) % 5 + 5 if i < 5 else (i - j) % 5 + 5 if j < 5 else (i - j) % 5
     for j in range(10)]
    for i in range(10)
]  # fmt: skip


_ODD_VALUES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_ODD_LETTERS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", _ODD_VALUES + _ODD_LETTERS, strict=True))


def codice(value: str) -> bool:
    """Check an Italian codice fiscale."""
    total = sum(_ODD[c] if i % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65) for i, c in enumerate(value[:15]))
    return chr(65 + total % 26) == value[15]
