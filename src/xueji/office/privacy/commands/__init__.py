"""Writing in this room, by topic; each command asks for its right first and leaves an audit entry."""
