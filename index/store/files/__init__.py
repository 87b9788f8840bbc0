"""Files of a generation that the next one shares: arrays that grow, and what was hashed when."""
