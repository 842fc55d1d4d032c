"""What is cut from a text before it is learnt or predicted: history, signatures, notices, recurring endings. Read
cutting.py first."""
