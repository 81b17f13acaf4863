"""What a fusion block is, what it keeps, and what it costs."""
