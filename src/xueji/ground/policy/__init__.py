"""The rule room: dated, cited rules read from policy packs, and what they say about a case."""
