"""The steps of a turn that wait for somebody: hear, answer, speak, settle. `gateway/turns.py` tells their order."""
