"""The files of a collection, as those see them who look after them."""
