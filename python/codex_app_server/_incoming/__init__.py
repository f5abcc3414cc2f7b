"""What comes in: answers, events and results, from bytes to models, and failures as errors."""
