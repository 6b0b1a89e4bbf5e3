"""National code tables and the checks of numbers, dates and names that need no database."""
