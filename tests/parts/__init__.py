"""Real things for tests to stand on: brokers, subscribers, proxies."""
