"""Trains the model of the demo scene; needs the extra ``train``, nothing in edged imports it."""
