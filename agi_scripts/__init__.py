"""Scripts that a dialplan calls over FastAGI, and the server that runs them.

    services = Services(db, now, recordings)
    async with AgiServer(settings.agi, SCRIPTS, services) as server:
        await server.start(settings.pbx.agi_port)

The parts are in `agi_scripts.server`, `.scripts` and `.script`; the variables that scripts set are
described in docs/agi.md.
"""
