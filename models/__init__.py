"""What should happen: the modelling language (`language/`), and the models of protocols written in it."""
