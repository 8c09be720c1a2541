"""Where things lie and what the project declares: what every room may ask."""
