"""What is told: one Report record, and those who write it down."""
