import asyncio
import threading

from twisted.trial.unittest import TestCase

from vizd.client.thread import PublisherThread

PATIENCE_S = 10.0


class PublisherThreadTests(TestCase):
    def started(self) -> PublisherThread:
        thread = PublisherThread("for-a-test")
        thread.start()
        self.addCleanup(thread.stop)
        return thread

    def test_it_runs_what_is_submitted_and_gives_back_the_answer(self) -> None:
        async def who() -> str:
            return threading.current_thread().name

        self.assertEqual(self.started().submit(who()).result(PATIENCE_S), "for-a-test")

    def test_starting_and_stopping_again_is_nothing(self) -> None:
        thread = self.started()
        thread.start()
        thread.stop()
        thread.stop()
        self.assertFalse(thread.runs)

    def test_stopping_one_that_never_ran_is_nothing_and_it_never_will(self) -> None:
        thread = PublisherThread()
        thread.stop()
        with self.assertRaisesRegex(RuntimeError, "does not start again"):
            thread.start()

    def test_what_still_runs_when_it_stops_is_cancelled(self) -> None:
        began = threading.Event()

        async def for_ever() -> None:
            began.set()
            await asyncio.Event().wait()

        thread = self.started()
        running = thread.submit(for_ever())
        self.assertTrue(began.wait(PATIENCE_S))
        thread.stop()
        self.assertTrue(running.cancelled())

    def test_it_can_not_wait_for_itself(self) -> None:
        thread = self.started()

        async def wait() -> None:
            thread.submit(asyncio.sleep(0))

        with self.assertRaisesRegex(RuntimeError, "waits for itself"):
            thread.submit(wait()).result(PATIENCE_S)

    def test_calls_after_its_end_are_refused_without_an_exception(self) -> None:
        thread = self.started()
        called = threading.Event()
        self.assertTrue(thread.call_soon(called.set))
        self.assertTrue(called.wait(PATIENCE_S))
        thread.stop()
        self.assertFalse(thread.call_soon(called.set))
        with self.assertRaisesRegex(RuntimeError, "does not run"):
            thread.submit(asyncio.sleep(0))
