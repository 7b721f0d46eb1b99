"""What an event can be told about where it came from: geo, trust, risk, headers, stack traces."""
