"""How Chinese reads digits and units. num2words knows no Chinese: these are its rules, ours."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = "零一二三四五六七八九"
_A = r"\d+(?:,\d{3})*(?:\.\d+)?"
_MONEY = {"¥": "元", "￥": "元", "HK$": "港元", "US$": "美元", "R$": "雷亚尔", "$": "美元", "€": "欧元", "£": "英镑"}
_UNITS = {
    "kg": "公斤", "g": "克", "mg": "毫克", "km": "公里", "m": "米", "cm": "厘米", "mm": "毫米", "L": "升", "l": "升",
    "ml": "毫升", "mL": "毫升", "m²": "平方米", "㎡": "平方米", "m³": "立方米", "km²": "平方公里", "℃": "摄氏度",
    "°C": "摄氏度", "℉": "华氏度", "°F": "华氏度", "°": "度", "V": "伏", "W": "瓦", "kW": "千瓦", "kWh": "千瓦时",
    "Hz": "赫兹", "MHz": "兆赫兹", "GHz": "吉赫兹", "Mbps": "兆每秒", "min": "分钟", "h": "小时", "s": "秒",
}  # fmt: skip
_TWO = "个只件条张天年点元块倍位人种份箱瓶包盒套斤公千克米升吨周星次小分秒台部本双杯场家间晚句根颗枚名款把届欧美英港"
"""After these, two is 两. Not after months, days of the month, floors: they are numbered, not counted."""
_NUMBERED = ("年级", "点二", "分之", "美术", "人称", "次方", "米线")
_PER = {
    "月": "每月",
    "年": "每年",
    "天": "每天",
    "日": "每天",
    "人": "每人",
    "个": "每个",
    "kg": "每公斤",
    "小时": "每小时",
}


def in_chinese(text: str) -> str:
    text = _plain(text)
    for step in (_dates, _clock, _spelled, _fractions, _ratios, _money, _percent, _measures, _signs):
        text = step(text)
    return numbers_in_chinese(re.sub(r"(?<=第)\d{1,15}", lambda m: cardinal(int(m[0])), text))


def numbers_in_chinese(text: str) -> str:
    """Only its numbers: no unit and no sign is looked for."""
    text = re.sub(_A, lambda m: _counted(m[0], text[m.end() : m.end() + 2]), text)
    return "".join(_other_digit(letter) for letter in text)


def _plain(text: str) -> str:
    """Full-width and raised digits are digits; dashes between two numbers say "to"."""
    table = {0xFF10 + n: str(n) for n in range(10)} | {ord("％"): "%", ord("－"): "-", ord("—"): "-", ord("–"): "-"}
    text = text.translate(table)
    return re.sub(r"(?<=周[一二三四五六日天])-(?=周?[一二三四五六日天])", "到", text)


def _other_digit(letter: str) -> str:
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return _DIGITS[digit] if digit < 10 else cardinal(digit)
    return cardinal(int(unicodedata.numeric(letter))) if unicodedata.category(letter) == "No" else letter


# -- numbers ---------------------------------------------------------------------------------------


def cardinal(number: int) -> str:
    """0 <= number < 10**16 in words; a longer one digit by digit."""
    if number >= 10**16:
        return digits(str(number))
    if number == 0:
        return "零"
    said, rest, hole = "", number, False
    for size, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"), (1, "")):
        group, rest = divmod(rest, size)
        if not group:
            continue
        gap = said and (group < 1000 or hole)
        said += ("零" if gap else "") + _group(group, bool(said), name) + name
        hole = not rest or rest < size // 10
    return said


def _group(group: int, inside: bool, name: str) -> str:
    """Up to 9999. A ten at the very beginning is 十, elsewhere 一十; two thousands and two before 万 are 两."""
    if group == 2 and name:
        return "两"
    said, gap = "", False
    for size, mark in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, group = divmod(group, size)
        if not digit:
            gap = bool(said)
            continue
        one = "" if digit == 1 and size == 10 and not said and not inside else _DIGITS[digit]
        said += ("零" if gap else "") + ("两" if digit == 2 and size == 1000 else one) + mark
        gap = False
    return said


def digits(written: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in written if digit.isdigit())


def _number(written: str) -> str:
    whole, _, decimals = written.replace(",", "").partition(".")
    said = (
        digits(whole)
        if len(whole) > 1 and whole[0] == "0"
        else cardinal(int(whole))
        if len(whole) < 17
        else digits(whole)
    )
    return said + (f"点{digits(decimals)}" if decimals else "")


def _counted(written: str, after: str) -> str:
    if written == "2" and after[:1] in tuple(_TWO) and after not in _NUMBERED:
        return "两"
    return _number(written)


# -- what stands around them -----------------------------------------------------------------------


def _dates(text: str) -> str:
    def said(found: re.Match[str]) -> str:
        year, month, day = found[1], int(found[3]), int(found[4])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return found[0]
        return f"{digits(year)}年{cardinal(month)}月{cardinal(day)}日"

    def short(found: re.Match[str]) -> str:
        month, day = int(found[1]), int(found[2])
        fits = 1 <= month <= 12 and 1 <= day <= 31 and day > 9
        return f"{cardinal(month)}月{cardinal(day)}日" if fits else found[0]

    text = re.sub(r"(?<![\d./-])([12]\d{3})(?P<mark>[-/.])(\d{1,2})(?P=mark)(\d{1,2})(?![\d/-]|\.\d)", said, text)
    text = re.sub(r"(?<!\d)([12]\d{3})(?=年(?!级)|款)", lambda m: digits(m[1]), text)
    text = re.sub(r"(?<![\d./])(\d{1,2})/(\d{1,2})(?![\d/]|\.\d)", short, text)
    return re.sub(r"(?<=[日月号年])-(?=\d)", "到", text)


def _clock(text: str) -> str:
    def said(found: re.Match[str]) -> str:
        hour, minute = int(found[1]), int(found[2])
        if hour > 24 or minute > 59:
            return found[0]
        words = ("两" if hour == 2 else cardinal(hour)) + "点"
        return words + (f"{'零' if minute < 10 else ''}{cardinal(minute)}分" if minute else "")

    text = re.sub(r"(?<=\d\d)\s?-\s?(?=\d{1,2}:\d\d(?!\d))", "到", text)
    return re.sub(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])", said, text)


def _spelled(text: str) -> str:
    """Rooms, hotlines, order numbers and versions are read digit by digit; one is 幺 on the telephone."""
    text = re.sub(
        r"(?:(?<=拨打)|(?<=热线)|(?<=电话))([:：]?)(\d{3,6})(?!\d)",
        lambda m: m[1] + digits(m[2]).replace("一", "幺"), text,
    )  # fmt: skip
    text = re.sub(r"(?<!\d)(\d{3,4})(?=室|房间|号房)", lambda m: digits(m[1]), text)
    text = re.sub(r"(号?)#\s?(\d+)", lambda m: "号" + (digits(m[2]) if len(m[2]) > 4 else _number(m[2])), text)
    text = re.sub(r"(?<![\d.])\d+(?:\.\d+){2,}", lambda m: "点".join(_number(n) for n in m[0].split(".")), text)
    return text.replace("#", "")


_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4)}


def _fractions(text: str) -> str:
    def said(found: re.Match[str]) -> str:
        over, under = _VULGAR[found[2]] if found[2] else (int(found[3]), int(found[4]))
        whole = f"{cardinal(int(found[1]))}又" if found[1] else ""
        return f"{whole}{cardinal(under)}分之{cardinal(over)}"

    return re.sub(r"(?:(?<![\d.])(\d{1,4})\s?)?([½⅓⅔¼¾])|(?<![\d./])(\d{1,2})/(\d{1,3})(?![\d/]|\.\d)", said, text)


def _ratios(text: str) -> str:
    """By, and how Chinese says a discount: 8.5折 and 85折 are 八五折."""
    text = re.sub(
        r"(?<![\d.])(\d)\.?(\d)折", lambda m: (digits(m[1] + m[2]) if m[2] != "0" else digits(m[1])) + "折", text
    )
    return re.sub(rf"({_A})\s?[xX×]\s?(?=\d)", lambda m: f"{_number(m[1])}乘", text).replace("×", "乘")


def _money(text: str) -> str:
    marks = "|".join(re.escape(mark) for mark in sorted(_MONEY, key=len, reverse=True))
    text = re.sub(rf"(?<![A-Za-z\d_])-\s?(?=(?:{marks})\s?\d)", "负", text)
    text = re.sub(rf"(?:{marks})\s?({_A})\s?-\s?(?=(?:{marks})\s?\d)", lambda m: m[0].rstrip(" -") + "到", text)
    text = re.sub(rf"({marks})\s?({_A})\s?-\s?({_A})", lambda m: f"{_number(m[2])}到{m[1]}{m[3]}", text)
    text = re.sub(rf"({marks})\s?({_A})([万亿千]?)", lambda m: _priced(m[2], m[3], _MONEY[m[1]]), text)
    per = "|".join(_PER)
    return re.sub(rf"(?<=[元块角分镑尔])/({per})", lambda m: _PER[m[1]], text)


def _priced(amount: str, scale: str, name: str) -> str:
    whole, _, decimals = amount.replace(",", "").partition(".")
    if scale or name != "元" or len(decimals) > 2 or not decimals.strip("0"):
        return _pair(amount if decimals.strip("0") else whole, scale or name) + scale + name
    tenths, hundredths = (int(digit) for digit in (decimals + "0")[:2])
    said = f"{_pair(whole, name)}{name}" if int(whole) else ""
    said += f"{_pair(str(tenths), '角')}角" if tenths else "零" if said else ""
    return said + (f"{_pair(str(hundredths), '分')}分" if hundredths else "")


def _pair(amount: str, before: str) -> str:
    return "两" if amount == "2" and before != "角" and before != "分" else _number(amount)


def _percent(text: str) -> str:
    to = rf"({_A})\s?%?\s?-\s?({_A})\s?%"
    text = re.sub(to, lambda m: f"百分之{_share(m[1])}到{'百分之' if '%' in m[0][:-1] else ''}{_share(m[2])}", text)
    text = re.sub(rf"(?<![A-Za-z\d_.])-(?={_A}\s?[%‰])", "负", text)
    text = re.sub(rf"({_A})\s?‰", lambda m: f"千分之{_number(m[1])}", text)
    return re.sub(rf"({_A})\s?%", lambda m: f"百分之{_share(m[1])}", text)


def _share(written: str) -> str:
    return "百" if written == "100" else _number(written)


def _measures(text: str) -> str:
    text = re.sub(rf"(?<![A-Za-z\d_.])({_A})\s?-\s?(?={_A})", r"\1到", text)
    text = re.sub(r"(?<![\d.])2到(?=\d+(?:\.\d+)?[" + _TWO + "])", "两到", text)
    text = re.sub(rf"({_A})\s?km/h", lambda m: f"每小时{_number(m[1])}公里", text)
    text = re.sub(rf"(?<![A-Za-z\d_.])-(?={_A}\s?(?:℃|°C|℉|°F|度))", "零下", text)
    names = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
    return re.sub(
        rf"(?<![A-Za-z\d.])({_A})\s?({names})(?![A-Za-z²³])",
        lambda m: ("两" if m[1] == "2" else _number(m[1])) + _UNITS[m[2]], text,
    )  # fmt: skip


def _signs(text: str) -> str:
    text = re.sub(r"(?<![\w.])-(?=\d)", "负", text)
    text = re.sub(r"(?<=[A-Za-z])-(?=\d)", "", text)
    for mark, said in (("+", "加"), ("=", "等于"), ("&", "和"), ("/", "或"), ("@", "艾特")):
        text = re.sub(rf"\s?{re.escape(mark)}\s?", said, text)
    return text
