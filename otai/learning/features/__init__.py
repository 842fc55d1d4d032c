"""What a model reads of a ticket: words and character n-grams, the vectors of encoders, and the kernel between two
tickets."""
