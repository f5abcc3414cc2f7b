"""What the shells share to cope with threads, signal handlers, forks, deadlines and the interpreter's end."""
