"""What a model reads of a ticket: words and character n-grams, the vectors of encoders, and how alike two tickets are."""
