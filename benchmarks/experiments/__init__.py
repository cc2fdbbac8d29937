"""Tables of experiments: chains of training runs, each run once, and the Markdown made of them."""
