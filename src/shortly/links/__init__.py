"""Links: what they are, which slugs and targets they may have, and the rules for changing them."""
