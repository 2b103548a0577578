"""Where people answer: adapters of the desks a queue can hand over to. `base` is their contract."""
