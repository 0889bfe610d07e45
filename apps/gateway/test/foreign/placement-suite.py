"""
Runs OpenStack placement's own HTTP tests: placement-suite.py PORT MONOLITH_PORT SERVICE_PORT

Of each file of tests, placement's fixture makes a database and what is in it. Then two instances of placement are started as processes of
their own on that database, at the two ports, and the tests ask whatever listens at the first port. Tells each test and its result as a line of JSON.
"""
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

import waitress
from gabbi import driver
from placement import db_api
from placement.tests.functional.fixtures import gabbits

# Reading and writing of its resources, and HTTP itself; the other files ask much the same with other rights, versions and data.
FILES = ['aggregate', 'basic-http', 'microversion', 'resource-classes', 'traits']

PORT, *INSTANCE_PORTS = [int(argument) for argument in sys.argv[1:]]
# Placement's fixtures take the standard output for themselves.
OUTPUT = os.fdopen(os.dup(1), 'w')


def listening(port):
    listener = socket.create_server(('127.0.0.1', port))
    listener.setblocking(False)
    return listener


def die_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def serve(listener, parent):
    threading.Thread(target=die_with, args=(parent,), daemon=True).start()
    # A connection to the database is of one process.
    db_api.placement_context_manager.writer.get_engine().dispose(close=False)
    waitress.serve(gabbits.setup_app(), sockets=[listener], threads=2, _quiet=True)


class FileDatabase:
    """Placement's fixture of a database, but in a file, which processes can share."""

    def __init__(self, original, folder):
        self.original = original
        self.folder = folder
        self.made = 0

    def __call__(self, conf_fixture, set_config=False):
        self.made += 1
        conf_fixture.config(connection=f'sqlite:///{self.folder}/{self.made}.db', group='placement_database')
        return self.original(conf_fixture, set_config)


class ServedFixtures:
    """Placement's fixtures, of which each starts both instances when it has made its database, and ends them first."""

    def __init__(self, listeners):
        self.listeners = listeners

    def __getattr__(self, name):
        original = getattr(gabbits, name)
        listeners = self.listeners

        class Served(original):
            def start_fixture(self):
                super().start_fixture()
                self.instances = [fork(listener) for listener in listeners]

            def stop_fixture(self):
                for instance in self.instances:
                    os.kill(instance, signal.SIGKILL)
                    os.waitpid(instance, 0)
                super().stop_fixture()

        Served.__name__ = name
        return Served


def fork(listener):
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            serve(listener, parent)
        finally:
            os._exit(1)
    return child


class Report(unittest.TestResult):
    def tell(self, test, result):
        # A file's fixture is begun and ended by what has no name among its tests.
        OUTPUT.write(json.dumps({'name': test.id(), 'result': result}) + '\n')
        OUTPUT.flush()

    def addSuccess(self, test):
        self.tell(test, 'passed')

    def addError(self, test, error):
        self.tell(test, 'broken')

    def addFailure(self, test, error):
        self.tell(test, 'failed')

    def addSkip(self, test, reason):
        self.tell(test, 'skipped')

    def addExpectedFailure(self, test, error):
        self.tell(test, 'failed, as expected')

    def addUnexpectedSuccess(self, test):
        self.tell(test, 'passed, unexpectedly')


def main():
    with tempfile.TemporaryDirectory() as folder:
        gabbits.fixtures.Database = FileDatabase(gabbits.fixtures.Database, folder)
        tests = os.path.join(os.path.dirname(os.path.dirname(gabbits.__file__)), 'gabbits')
        for name in FILES:
            shutil.copy(os.path.join(tests, f'{name}.yaml'), folder)
        suite = driver.build_tests(
            folder,
            unittest.TestLoader(),
            host='127.0.0.1',
            port=PORT,
            test_loader_name='placement',
            fixture_module=ServedFixtures([listening(port) for port in INSTANCE_PORTS]),
            # Nothing is asked by TLS, and each test would read all certificates.
            cert_validate=False,
        )
        suite.run(Report())


main()
