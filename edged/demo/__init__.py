"""The scene and the model that the demo and the tests run on; nothing of the daemon needs them."""
