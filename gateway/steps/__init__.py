"""The steps of a turn that wait for somebody: hear, resume, consider, answer, speak, settle. Their order is told by
`gateway/turns.py`."""
