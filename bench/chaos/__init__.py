"""What an installation does when parts of it die: every row of docs/reliability.md, played with real processes."""
