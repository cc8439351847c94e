"""Start moto with the lab's additions: python -m extension PORT FOLDER

FOLDER keeps the journal. The process ends with status 3 and a line in
FOLDER/gone when the journal does not lead back to the same cloud.
"""

import logging
import os
import signal
import sys

GONE = 3


def main(port, folder):
    from . import clock, journal

    time = clock.install()  # before any model of moto
    gone = os.path.join(folder, "gone")
    try:
        book = journal.Journal(os.path.join(folder, "journal"), time)
        gateway = build(book)
        gateway.replay()
    except journal.CloudGone as error:
        with open(gone, "w", encoding="utf-8") as file:
            file.write(f"{error}\n")
        print(f"extension: {error}", file=sys.stderr)
        return GONE
    serve(gateway, port)
    return 0


def build(book):
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from . import (
        acls, addresses, balancers, endpoints, flowlogs, gateway, gateways, groups, images, instances, peering, placement, policies,
        regions, sessions, templates, volumes, zones,
    )

    regions.install(book.lab)
    # Order matters where two change the same method: the last one runs first.
    for part in (
        images, addresses, gateways, acls, balancers, endpoints, flowlogs, peering, groups, volumes, placement, instances, templates, policies,
        sessions, zones,
    ):
        part.install()
    application = DomainDispatcherApplication(create_backend_app)
    return gateway.Gateway(application, book)


def serve(gateway, port):
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, gateway, threaded=True, request_handler=MotoRequestHandler)
    server.daemon_threads = True  # a long poll must not hold the end of the process
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
