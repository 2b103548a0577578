import pytest

from gateway.channels.base import Inbound
from gateway.config import ChannelSettings
from gateway.rules.aside import aside

NOW = 1_800_000_000_000
HOUR = 3_600_000


def message(contact: str = "5511999990000", age: int = 0, **more: object) -> Inbound:
    return Inbound("m1", contact, "Lia", "oi", NOW - age, **more)  # type: ignore[arg-type]


def channel(**keys: object) -> ChannelSettings:
    return ChannelSettings.model_validate({"name": "w", "type": "telegram", "queue": "q", "token": "1:a", **keys})


@pytest.mark.parametrize(
    ("keys", "inbound", "why"),
    [
        pytest.param({}, message(), "", id="everybody is answered"),
        pytest.param({}, message(age=6 * HOUR), "", id="six hours are not late yet"),
        pytest.param({}, message(age=6 * HOUR + 1), "late", id="later is"),
        pytest.param({"max_age_s": 0}, message(age=700 * HOUR), "", id="nothing is late"),
        pytest.param({"max_age_s": 60}, message(age=61_000), "late", id="as configured"),
        pytest.param({}, message(age=-HOUR), "", id="a clock that is ahead"),
        pytest.param({}, message(group=True), "group", id="groups are not answered"),
        pytest.param({"groups": "answer"}, message(group=True), "", id="unless they are"),
        pytest.param({"ignore": ["5511999990000"]}, message(), "ignored_contact", id="on the list"),
        pytest.param({"ignore": ["+55 (11) 99999-0000"]}, message(), "ignored_contact", id="as people write it"),
        pytest.param({"ignore": ["BR.1"]}, message(aliases=["BR.1"]), "ignored_contact", id="under another name"),
        pytest.param({"ignore": ["5511999990001", "BR"]}, message(aliases=["BR.1"]), "", id="somebody else"),
        pytest.param({"only": ["5511888880000"]}, message(), "ignored_contact", id="not among the few"),
        pytest.param({"only": ["55 11 99999 0000"]}, message(), "", id="one of the few"),
        pytest.param(
            {"only": ["5511999990000"], "ignore": ["5511999990000"]}, message(), "ignored_contact", id="both lists"
        ),
        pytest.param({"ignore": ["x"]}, message(age=9 * HOUR, group=True), "group", id="one reason, the first"),
    ],
)
def test_what_nobody_answers_by_himself(keys: dict[str, object], inbound: Inbound, why: str) -> None:
    assert aside(inbound, channel(**keys), NOW) == why
