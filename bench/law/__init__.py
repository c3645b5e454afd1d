"""Every reader is a cursor: delivered windows and declared gaps are the whole log, in order, each once.

The law, held against real clients of the real daemon. ``bench/README.md`` says how to run it. What happens, in the
order of the modules:

    events      what a publisher says is a pure function of its node and a seq
    publishers  processes that say it, are killed, come back and say again what was not acked
    wire        a WebSocket that reads when it is told to
    client      what one client takes, written to its transcript; ``kinds`` is how it behaves
    received    from a message to a record of the transcript
    fleet       processes of clients
    transcript  the file
    log         the log as the reference client saw it
    walk        a transcript laid against that log
    sentences, gaps, histories
                the law sentence by sentence, each with its own small validator
    run, report the run as a whole, and what it says in the end
"""
