"""What TFLM does with an arena."""
