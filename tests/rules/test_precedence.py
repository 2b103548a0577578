import pytest

from gateway.rules.precedence import Ask, Decision, Ignore, Said, Say, Situation, StaySilent, Transfer, decide
from storage.model import Hold

HELD = Hold("humanos", "marker", 1)
HELLO = Said("oi")


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        pytest.param(Situation([HELLO], None), Ask("oi"), id="a question"),
        pytest.param(Situation([HELLO, Said("tem pix?")], None), Ask("oi\ntem pix?"), id="a burst is one question"),
        pytest.param(Situation([HELLO], HELD), StaySilent("held_by_person"), id="a person is above all"),
        pytest.param(Situation([HELLO], HELD, exhausted=True), StaySilent("held_by_person"), id="even above poison"),
        pytest.param(Situation([HELLO], None, True), Transfer("too_many_tries", dead=True), id="poison"),
        pytest.param(Situation([], None), Ignore("empty_burst"), id="holes in the lane"),
        pytest.param(
            Situation([Said("", True, "hearing_unavailable")], None),
            Say("please_type", "hearing_unavailable"),
            id="cannot hear",
        ),
        pytest.param(
            Situation([Said("", True, "nothing_heard")], None), Say("nothing_heard", "nothing_heard"), id="silence"
        ),
        pytest.param(
            Situation([Said("", True, "hearing_unavailable"), HELLO], None),
            Ask("oi", unheard="please_type"),
            id="what was typed is answered, what was said is owned up to",
        ),
        pytest.param(Situation([Said("  \n")], None), Say("nothing_heard", "nothing_heard"), id="blank"),
    ],
)
def test_the_first_rung_that_applies_decides(situation: Situation, decision: Decision) -> None:
    assert decide(situation) == decision
