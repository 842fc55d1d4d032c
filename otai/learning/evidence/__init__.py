"""What a model is worth, measured on tickets that it had not learnt: the report card and everything that is read from
it."""
