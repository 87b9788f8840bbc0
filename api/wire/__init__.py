"""The shapes of requests and replies, and what converts to and from them."""
