"""One table of verbs behind the Unix socket, the HTTP listener, ``edged ctl`` and the console."""
