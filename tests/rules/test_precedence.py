import pytest

from gateway.rules.precedence import Ask, Decision, Ignore, Said, Say, Seen, Situation, StaySilent, Transfer, decide
from storage.model import Hold, Media, MediaId

HELD = Hold("humanos", "marker", 1)
HELLO = Said("oi")
CAT = Seen("image", Media(MediaId("0" * 64), "image/jpeg", 9))


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
        pytest.param(Situation([Said("👍", meaning="reaction")], None), Ignore("reaction"), id="a thumb"),
        pytest.param(Situation([Said("", meaning="revoke", of="1")], None), Ignore("revoked"), id="taken back"),
        pytest.param(
            Situation([Said("b", meaning="edit", of="1")], None), Ignore("edited_after_answer"), id="corrected too late"
        ),
        pytest.param(Situation([Said("oi", aside="late")], None), Ignore("late"), id="from yesterday"),
        pytest.param(Situation([Said("oi", aside="late"), HELLO], None), Ask("oi"), id="only what is fresh is asked"),
        pytest.param(
            Situation([Said("👍", meaning="reaction"), HELLO], None), Ask("oi"), id="a reaction is no question"
        ),
        pytest.param(Situation([Said("parar")], None), Say("opted_out", "opts_out", True), id="leave me alone"),
        pytest.param(Situation([Said("parar", aside="group")], None), Ignore("group"), id="not for a whole group"),
        pytest.param(Situation([HELLO], None, opted_out=True), Ignore("opted_out"), id="left alone"),
        pytest.param(
            Situation([Said("Voltar")], None, opted_out=True), Say("opted_in", "opted_in", False), id="wanted again"
        ),
        pytest.param(Situation([Said("parar")], HELD), StaySilent("held_by_person"), id="a person reads it"),
        pytest.param(
            Situation([Said("essa?", quote="Temos azul e verde.")], None),
            Ask("> Temos azul e verde.\nessa?"),
            id="with what it answers",
        ),
        pytest.param(
            Situation([Said("", problem="cannot_read")], None), Say("cannot_read", "cannot_read"), id="a sticker"
        ),
        pytest.param(
            Situation([Said("", problem="cannot_read"), HELLO], None),
            Ask("oi", unheard="cannot_read"),
            id="a sticker and a question",
        ),
        pytest.param(Situation([Said("", seen=(CAT,))], None), Ask("", seen=(CAT,)), id="a picture is a question"),
        pytest.param(Situation([Said("  \n")], None), Say("nothing_heard", "nothing_heard"), id="blank"),
    ],
)
def test_the_first_rung_that_applies_decides(situation: Situation, decision: Decision) -> None:
    assert decide(situation) == decision
