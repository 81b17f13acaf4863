"""What the command line shows: tables of plans, models and comparisons."""
