"""Official paper: plain data in, PDF or picture bytes out. Knows no database and no permission."""
