"""Money as text: which units are currencies, and how many decimals each has. Never a float, never rounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

_HUNDREDTHS = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK
    PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS = "CLF UYW"
EXPONENTS: dict[str, int] = {
    code: places
    for codes, places in ((_WHOLE, 0), (_HUNDREDTHS, 2), (_THOUSANDTHS, 3), (_TEN_THOUSANDTHS, 4))
    for code in codes.split()
}
"""ISO 4217's minor units by code: list one of January 2026, with ANG and BGN, which ended lately and stand on
invoices. What isn't here is a pricing unit of the account's own, whatever its letters."""

CENTS_OF = {"USD (cents)": "USD"}
"""The one unit whose amounts come in hundredths (API reference §1.7); every other comes whole."""


def in_whole_units(amount: Decimal, unit: str) -> tuple[Decimal, str]:
    """An amount in a pricing unit as (amount in whole units, currency or the unit's own name); exact.

    The digits stay as they are and the exponent moves: arithmetic would round to its context's 28 digits.
    """
    currency = CENTS_OF.get(unit)
    if currency is None:
        return amount, unit
    sign, digits, exponent = amount.as_tuple()
    return Decimal((sign, digits, int(exponent) - 2)), currency


def decimals(amount: Decimal, currency: str) -> int:
    """How many decimals show it whole: the currency's own at least, none for a unit that is no currency."""
    fraction = format(amount, "f").partition(".")[2].rstrip("0")
    return max(EXPONENTS.get(currency, 0), len(fraction))


def sums(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """One sum a currency, never across, of rows `{currency, amount}`; likewise, by currency."""
    found: dict[str, Decimal] = {}
    with localcontext(prec=100):
        for row in rows:
            found[row["currency"]] = found.get(row["currency"], Decimal(0)) + Decimal(row["amount"])
    return [{"currency": currency, "amount": format(found[currency], "f")} for currency in sorted(found)]
