"""What is only seen: markdown, citations, emoji, audio tags, and the spaces between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

# Every search here is bounded, or starts where nothing before it could have started: a long text costs its length.

TAG_OPEN, TAG_CLOSE = "\ue000", "\ue001"
"""Stand for the brackets of an audio tag on the way. Private characters of the text itself are gone by then."""

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff"
    "\ufe0e\ufe0f\u20e3\u3030\u303d\u3297\u3299©®™\U000e0020-\U000e007f]"
)
_CITATION = re.compile(r"【[^】\n]{0,200}】|\s?\[[^\]\n]{0,200}§[^\]\n]{0,200}\](?!\()|\s?\[\^?\d{1,3}\](?!\()")
_TAG = re.compile(
    r"\[((?:laugh|chuckl|giggl|sigh|whisper|shout|gasp|gulp|exhal|inhal|snort|cry|sob|sing|cough|yawn|groan|clap|breath)"
    r"(?:s|es|e|ing|ping|ies)?(?: (?:softly|loudly|deeply|harder|quietly|nervously))?"
    r"|(?:(?:short|long|brief) )?pause|starts laughing|clears throat|applause|wheezing|woo|excited|sad|angry|curious"
    r"|sarcastic|calm|cheerful|nervous|tired|surprised|annoyed|happy|serious|rushed|drawn out|deadpan|playful"
    r"|[a-z]{3,15}ly|(?:strong )?[A-Za-z]{3,15} accent)\]",
)
_COMPARISON = re.compile(
    r"(?<=[^\s<>=-])[ ]?([<>]=?|[≥≤])[ ]?(?!3{1,3}(?:[\s.,!?]|\Z))(?=(?:R\$|US\$|[$€£¥])?[ ]?\d)"
)
_UNSAID = {"Cc", "Cf", "Cs", "Co", "Cn"}
_HAN = "\u3400-\u9fff"


def without_controls(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").replace("\u00a0", " ")
    text = text.replace("\u202f", " ").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter) not in _UNSAID)


def audio_tags(text: str, kept: bool) -> str:
    return _TAG.sub(rf"{TAG_OPEN}\1{TAG_CLOSE}" if kept else " ", text)


def without_tags(text: str) -> str:
    """Of audio tags that were kept: there must be words beside them."""
    return re.sub(f"{TAG_OPEN}[^{TAG_CLOSE}]*{TAG_CLOSE}", "", text)


_SMILEY = re.compile(r"(?<!\S)(?:[:;=]['’]?-?[()DPpOo]{1,3}|<3{1,3})(?=[\s.,!?]|\Z)")


def compared(text: str, words: Mapping[str, str]) -> str:
    """"> R$ 100" in words. Not where a line is quoted, an arrow points or a heart is meant."""

    def said(found: re.Match[str]) -> str:
        sign = found[1].replace("≥", ">=").replace("≤", "<=")
        return f" {words[sign]} "

    return _COMPARISON.sub(said, text)


def without_marks(text: str) -> str:
    text = _SMILEY.sub("", _CITATION.sub("", text))
    text = re.sub("(\\d)\ufe0f?\u20e3", r"\1,", text)  # a number in a box
    text = re.sub(r"<[/!]?[A-Za-z][^<>\n]{0,300}>", "", text)
    text = re.sub(r"^[ ]{0,8}(?:#{1,6}(?=\s)|>+|[-*+•–—](?=\s))[ ]*(?:\[[ xX]?\])?[ ]*", "", text, flags=re.M)
    text = re.sub(r"^[ ]{0,8}\d{1,2}(?:[.)][ ]+|、[ ]*)(?=\S)", "", text, flags=re.M)
    text = re.sub(r"^[ ]{0,8}([-*_=])(?:[ ]{0,3}\1){2,}[ ]*$", "", text, flags=re.M)
    text = re.sub(r"(?<=\d) ?\* ?(?=\d)", "×", text)
    text = re.sub(r"(?<=\d) ?[~～〜] ?(?=\d)", "-", text)
    text = re.sub(r"[→⇒➡➔➜]", ", ", text)
    text = re.sub(r"[`*~^]+|(?<!\w)_+|_+(?!\w)", "", text).replace("|", ", ").replace("_", " ")
    text = re.sub(r"[\[\]{}\\<>]|://", " ", text)
    return _EMOJI.sub(" ", re.sub(r"#(?!\s?\d)", "", text))


def lines(text: str) -> str:
    """A heading or a list item is a sentence: it ends like one."""
    stripped = [re.sub(r"\s+", " ", line).strip(" ,，") for line in text.split("\n")]
    said = [line for line in stripped if re.search(r"\w", line)]
    return "\n".join(line if re.search(r"[.!?…:;。！？：；]$", line) else _ended(line) for line in said)


def _ended(line: str) -> str:
    return line + ("。" if re.search(f"[{_HAN}]", line) else ".")


def tidy(text: str, goes_on: bool = False) -> str:
    """`goes_on`: it was cut at a comma, so it must not sound as if it ended."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\( ?\)|（ ?）", "", text)
    text = re.sub(r" {1,4}([,.;:!?…])", r"\1", text)
    text = re.sub(r"[,;:]+(?=[.!?])", "", text)
    text = re.sub(r"(?<![.])\.\.(?![.])", ".", text)
    text = _chinese_marks(text) if re.search(f"[{_HAN}]", text) else text
    text = re.sub(r" {2,}", " ", text).strip(" ,;:，；：")
    if goes_on and text.endswith((".", "。")):
        return text[:-1] + ("，" if text[-1] == "。" else ",")
    return text


def _chinese_marks(text: str) -> str:
    """No spaces between Chinese words, and its own commas."""
    text = re.sub(rf"(?<=[{_HAN}]), ?", "，", text)
    text = re.sub(rf"(?<=[{_HAN}，。！？：；、]) (?=[{_HAN}，。！？：；、])", "", text)
    return re.sub(r"，+(?=[，。！？：；、])", "", text)
