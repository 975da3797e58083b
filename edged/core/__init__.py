"""What every other part of edged stands on; it knows nothing of cameras, models or brokers."""
