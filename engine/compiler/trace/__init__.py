"""Run the function once on Values that write down what is done to them."""
