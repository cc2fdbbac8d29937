"""What the commands share: options, errors to exit status, one run at a time in a folder."""
