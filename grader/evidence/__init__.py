"""What was seen: frozen records, and the readers of the kernel that fill them."""
