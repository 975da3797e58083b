"""Over MQTT to the house: what is seen, what happens, how the box does; and commands back."""
