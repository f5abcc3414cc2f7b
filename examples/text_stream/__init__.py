"""Only the text of an answer, as it is written."""
