"""What an attacker on this machine may send: nothing of it runs, and nothing of it stops the kernel."""

import hashlib
import hmac
import json
import random

import zmq

from harness import KernelTestCase, TIMEOUT, main, os

ROUNDS = 2000 if os.environ.get("BPFLAB_RELIABILITY") else 100


class WireTests(KernelTestCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(20)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, linger=0)

    def socket(self, channel, kind=zmq.DEALER):
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.connect(f"tcp://{self.km.ip}:{getattr(self.km, f'{channel}_port')}")
        return socket

    def signed(self, parts, key=None):
        mac = hmac.new(key or self.km.session.key, digestmod=hashlib.sha256)
        for part in parts:
            mac.update(part)
        return [b"<IDS|MSG>", mac.hexdigest().encode(), *parts]

    def request(self, content, kind="execute_request", msg_id=None):
        header = {"msg_id": msg_id or str(self.random.random()), "username": "x", "session": "x", "msg_type": kind, "version": "5.3"}
        return [json.dumps(header).encode(), b"{}", b"{}", json.dumps(content).encode()]

    def execute(self, code):
        return self.request({"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True})

    def noise(self, most=200):
        return self.random.randbytes(self.random.randrange(most))

    def malformed(self):
        """One message that no front end sends."""
        good = self.signed(self.execute("attacked++"))
        kinds = [
            lambda: [self.noise() for _ in range(self.random.randrange(1, 9))],
            lambda: self.signed(self.execute("attacked++"), key=b"guessed"),
            lambda: [b"<IDS|MSG>", b"", *self.execute("attacked++")],
            lambda: good[: self.random.randrange(1, len(good))],
            lambda: [b"<IDS|MSG>"] * self.random.randrange(1, 8),
            lambda: [good[0], good[1][:-1] + b"g", *good[2:]],
            lambda: self.signed([self.noise(), b"{}", b"{}", b"{}"]),
            lambda: self.signed([b"null", b"null", b"null", b"null"]),
            lambda: self.signed([b'{"msg_type": 7}', b"{}", b"{}", b"{}"]),
            lambda: self.signed([b'{"msg_type": "execute_request"}', b"{}", b"{}", b"[]"]),
            lambda: self.signed(self.request({}, kind=self.random.choice(["complete_request", "inspect_request", "comm_msg", "history_request", "__proto__", "constructor"]))),
            lambda: self.signed(self.request({"code": None, "cursor_pos": -1e9}, kind="complete_request")),
            lambda: self.signed(self.request({"code": {"a": [1]}, "cursor_pos": "x"}, kind="inspect_request")),
            lambda: [self.noise(), *good[:1], self.noise(64), *[self.noise() for _ in range(4)]],
        ]
        return self.random.choice(kinds)()

    def test_nothing_malformed_runs_or_stops_the_kernel(self):
        self.run_cell("let attacked = 0;")
        with self.socket("shell") as shell, self.socket("control") as control, self.socket("stdin") as stdin:
            for _ in range(ROUNDS):
                self.random.choice([shell, control, stdin]).send_multipart(self.malformed())
        # A subscriber has nothing to say, and the heartbeat gives back whatever it is given.
        with self.socket("iopub", zmq.SUB) as iopub, self.socket("hb", zmq.REQ) as beat:
            iopub.subscribe(self.noise())
            beat.send(b"\x00" * 100_000)
            self.assertTrue(beat.poll(TIMEOUT * 1000))
        self.assertEqual(self.run_cell("attacked").result, "0")
        self.assert_alive()

    def test_a_recorded_message_does_not_run_again(self):
        self.run_cell("let counted = 0;")
        message = self.signed(self.execute("counted++"))
        with self.socket("shell") as first, self.socket("shell") as second, self.socket("control") as third:
            for socket in (first, first, second, third):
                socket.send_multipart(message)
            self.assertTrue(first.poll(TIMEOUT * 1000))
            self.assertEqual(self.run_cell("counted").result, "1")

    def test_a_subscriber_that_reads_nothing_holds_up_nobody(self):
        with self.socket("iopub", zmq.SUB) as lazy:
            lazy.rcvhwm = 1
            lazy.subscribe(b"")
            ran = self.run_cell("for (let i = 0; i < 2000; i++) console.log('x'.repeat(500) + i);")
            self.assertIn("1999\n", ran.text("stdout"))
        self.assert_alive()


if __name__ == "__main__":
    main()
